// Types of the ckit protocol. Written by `python protocol/generate.py` from the JSON Schemas; don't edit.

export type ProtocolVersion = '1.0';

/** Any JSON value. */
export type JsonValue = null | boolean | number | string | JsonValue[] | { [key: string]: JsonValue };

/** How new the findings have to be. */
export interface HealthParams {
  /** Probe every component now and wait for it, up to `limits.probeTimeoutSeconds`. Otherwise the answer comes at once, from the last probes. Default: `false`. */
  fresh?: boolean;
}

/** The daemon's health: liveness apart from readiness, and every component probed. */
export interface HealthResult {
  /** The worst of the components that count: `failed` if one that every method needs has failed. */
  status: 'ok' | 'degraded' | 'failed';
  /** The daemon answers. */
  live: boolean;
  /** No component that every method needs has failed. */
  ready: boolean;
  /** Each component with what its probe found. */
  components: ComponentHealth[];
  /** Time since the start. */
  uptimeSeconds: number;
  /** Versions of the daemon, the protocol, Python and main libraries. */
  versions: Record<string, string>;
}

/** Parameters of a method that takes none: `{}`, null, `[null]` or nothing at all. */
export type NoParams = Record<string, never>;

/** Counters and gauges since the start of the process. */
export interface MetricsResult {
  /** Time since the start. */
  uptimeSeconds: number;
  /** Requests that run now. */
  inFlight: number;
  /** Requests that wait for a free place. */
  queued: number;
  /** Requests by method and outcome. */
  requests: MethodMetrics[];
  /** Number of error answers by error code. */
  errors: Record<string, number>;
  /** Bytes read from the client. */
  bytesReceived: number;
  /** Bytes written to the client. */
  bytesSent: number;
  /** Resident memory of the daemon. */
  memoryBytes: number;
  /** Model calls by model and outcome. */
  models: ModelMetrics[];
  /** Answers without a model call of their own. */
  answers: AnswerMetrics;
  /** Model calls that wait for their turn. */
  modelsQueued: number;
  /** Tool runs by tool and status. */
  tools: ToolMetrics[];
  /** Searches of passages by mode. */
  searches: SearchMetrics[];
  /** Passages whose vectors this daemon has computed for an index. */
  passagesEmbedded: number;
  /** The same as Prometheus text exposition format 0.0.4. */
  prometheus: string;
}

/** What this session may use; also sent as `capabilities.experimental.ckit` in the answer to initialize. */
export interface Capabilities {
  /** The version that this session speaks. */
  protocolVersion: string;
  /** SHA-256 over the JSON Schemas of all methods, in hexadecimal. */
  schemaHash: string;
  /** Version of the daemon. */
  daemonVersion: string;
  /** Methods that can be called or will be sent. */
  methods: MethodDescription[];
  /** Features that are switched on. */
  features: string[];
  /** Limits of this session. */
  limits: Limits;
}

/** Which settings to return. */
export interface ConfigGetParams {
  /** Only settings whose key starts so. At most 200 characters. */
  prefix?: string | null;
}

/** The effective configuration. */
export interface ConfigGetResult {
  /** The settings. */
  settings: Setting[];
  /** Options that were ignored. */
  warnings: ConfigWarning[];
}

/** Which folder to open. */
export interface RepoOpenParams {
  /** Token under which the daemon reports progress with `$/progress`. */
  workDoneToken?: number | string | null;
  /** Absolute path or file URI of the repository or a folder inside it. 1 to 4096 characters. */
  path: string;
  /** Watch the folder; for hosts that send no file events themselves. Default: `false`. */
  watch?: boolean;
}

/** The opened repository. */
export interface RepoOpenResult {
  /** The repository. */
  repository: RepositoryInfo;
  /** Whether it was open before. */
  alreadyOpen: boolean;
}

/** Which repository to close. */
export interface RepoCloseParams {
  /** Token under which the daemon reports progress with `$/progress`. */
  workDoneToken?: number | string | null;
  /** Id, path or file URI of an open repository; may be left out while only one is open. At most 4096 characters. */
  repository?: string | null;
}

/** The closed repository. */
export interface RepoCloseResult {
  /** Its id. */
  id: string;
}

/** All open repositories, in the order of opening. */
export interface RepoListResult {
  /** The open repositories. */
  repositories: RepositoryInfo[];
}

/** Which repository to describe. */
export interface RepoInspectParams {
  /** Token under which the daemon reports progress with `$/progress`. */
  workDoneToken?: number | string | null;
  /** Id, path or file URI of an open repository; may be left out while only one is open. At most 4096 characters. */
  repository?: string | null;
}

/** What a repository holds and what it lacks. */
export interface RepoInspectResult {
  /** Version of the repository that the answer is about. */
  version: number;
  /** Entities. */
  total: number;
  /** Entities by type. */
  types: TypeCount[];
  /** Facts by relation. */
  relations: RelationCount[];
  /** What entities have that they should have. */
  coverage: Coverage[];
  /** Ids of entities that no fact connects to another one. */
  orphans: string[];
  /** What to do, the most pressing first. */
  gaps: Gap[];
  /** Findings by severity. */
  findings: Partial<Record<'error' | 'warning' | 'information' | 'hint', number>>;
}

/** Which findings to return. */
export interface RepoValidateParams {
  /** Token under which items are streamed with `$/progress`; the final answer's list is then empty. */
  partialResultToken?: number | string | null;
  /** Items to leave out at the beginning. Default: `0`. 0 to 10000000. */
  offset?: number;
  /** Items to return at the most. Default: `1000`. 1 to 10000. */
  limit?: number;
  /** Token under which the daemon reports progress with `$/progress`. */
  workDoneToken?: number | string | null;
  /** Id, path or file URI of an open repository; may be left out while only one is open. At most 4096 characters. */
  repository?: string | null;
  /** Only these files, and all in these folders. At most 10000 items. */
  paths?: string[] | null;
  /** Only these codes; `schema` stands for `schema.*`. At most 200 items. */
  codes?: string[] | null;
  /** Leave out what matters less. Default: `"hint"`. */
  minSeverity?: 'error' | 'warning' | 'information' | 'hint';
}

/** The findings, sorted by file and place. */
export interface RepoValidateResult {
  /** Version of the repository that the answer is about. */
  version: number;
  /** No finding is an error, whatever the filters hide. */
  ok: boolean;
  /** All findings of the repository by severity. */
  counts: Partial<Record<'error' | 'warning' | 'information' | 'hint', number>>;
  /** Entities in the repository. */
  entities: number;
  /** Findings that the filters leave. */
  total: number;
  /** A page of them. */
  findings: Finding[];
  /** Where the next page begins, if there is one. */
  nextOffset?: number;
}

/** Which part of the graph to return, and how. */
export interface RepoGraphParams {
  /** Token under which items are streamed with `$/progress`; the final answer's list is then empty. */
  partialResultToken?: number | string | null;
  /** Items to leave out at the beginning. Default: `0`. 0 to 10000000. */
  offset?: number;
  /** Items to return at the most. Default: `1000`. 1 to 10000. */
  limit?: number;
  /** Token under which the daemon reports progress with `$/progress`. */
  workDoneToken?: number | string | null;
  /** Id, path or file URI of an open repository; may be left out while only one is open. At most 4096 characters. */
  repository?: string | null;
  /** Start here; everything without it. 1 to 1000 items. */
  ids?: string[] | null;
  /** Show entities of these types only. 1 to 100 items. */
  types?: string[] | null;
  /** Follow and show these relations only. 1 to 100 items. */
  relations?: string[] | null;
  /** Facts to follow from `ids`; all without it. 0 to 100. */
  depth?: number | null;
  /** Facts to follow, as seen from where they are met. Default: `"both"`. */
  direction?: 'out' | 'in' | 'both';
  /** What to return. Default: `"json"`. */
  format?: 'json' | 'cytoscape' | 'mermaid' | 'dot' | 'graphml' | 'html';
  /** Say for each fact where it is stated (format json). Default: `false`. */
  statements?: boolean;
}

/** The graph: nodes and edges in format json, else a text. */
export interface RepoGraphResult {
  /** Version of the repository that the answer is about. */
  version: number;
  /** What was returned. */
  format: 'json' | 'cytoscape' | 'mermaid' | 'dot' | 'graphml' | 'html';
  /** Nodes of the whole answer. */
  totalNodes: number;
  /** Edges of the whole answer. */
  totalEdges: number;
  /** A page of the nodes; empty in the other formats. */
  nodes: EntitySummary[];
  /** The edges whose source is in the page. */
  edges: Edge[];
  /** Where the next page begins, if there is one. */
  nextOffset?: number;
  /** The picture in the other formats. */
  text?: string;
}

/** Between which entities to look for connections. */
export interface RepoPathsParams {
  /** Token under which the daemon reports progress with `$/progress`. */
  workDoneToken?: number | string | null;
  /** Id, path or file URI of an open repository; may be left out while only one is open. At most 4096 characters. */
  repository?: string | null;
  /** Id of an entity, e.g. `FEAT-001`. 1 to 200 characters. */
  source: string;
  /** Id of an entity, e.g. `FEAT-001`. 1 to 200 characters. */
  target: string;
  /** Whether facts are followed from source to target, back, or both ways. Default: `"both"`. */
  direction?: 'out' | 'in' | 'both';
  /** Facts that a path may have. Default: `6`. 1 to 20. */
  maxLength?: number;
  /** Paths to return at the most. Default: `10`. 1 to 1000. */
  limit?: number;
}

/** Connections, the shortest first. */
export interface RepoPathsResult {
  /** Version of the repository that the answer is about. */
  version: number;
  /** Each path as the facts from `source` to `target`. */
  paths: Edge[][];
}

/** What has changed: entities by id, or everything that differs between two states. */
export interface RepoImpactParams {
  /** Token under which the daemon reports progress with `$/progress`. */
  workDoneToken?: number | string | null;
  /** Id, path or file URI of an open repository; may be left out while only one is open. At most 4096 characters. */
  repository?: string | null;
  /** Assume that these entities change. 1 to 1000 items. */
  ids?: string[] | null;
  /** unsaved: editor buffers against the disk; workingTree: disk and buffers against `base` (HEAD); staged: index against `base` (HEAD); commits: `head` against `base`. */
  between?: 'unsaved' | 'workingTree' | 'staged' | 'commits' | null;
  /** A revision; HEAD without it. 1 to 200 characters. */
  base?: string | null;
  /** A revision; HEAD without it. 1 to 200 characters. */
  head?: string | null;
  /** Facts over which staleness spreads; without a bound by default. 1 to 100. */
  depth?: number | null;
}

/** What a change breaks or makes stale. */
export interface RepoImpactResult {
  /** Version of the repository that the answer is about. */
  version: number;
  /** What changed. */
  changed: ChangedEntity[];
  /** Rules that this sets off. */
  rules: FiredRule[];
  /** The nearest first. */
  stale: StaleEntity[];
  /** What to do about it. */
  issues: Issue[];
}

/** Files that changed. A client sends it to have them read again, the daemon to say that it has read them. */
export interface RepoDidChangeParams {
  /** Token under which the daemon reports progress with `$/progress`. */
  workDoneToken?: number | string | null;
  /** Id, path or file URI of an open repository; may be left out while only one is open. At most 4096 characters. */
  repository?: string | null;
  /** The files. A client may leave them out to have all looked at; the daemon leaves them out when a document has led it to a repository below a workspace folder, which is open from now on. At most 100000 items. */
  paths?: string[] | null;
  /** The daemon's version after the change. */
  version?: number | null;
}

/** Which entity to return. */
export interface EntityGetParams {
  /** Token under which the daemon reports progress with `$/progress`. */
  workDoneToken?: number | string | null;
  /** Id, path or file URI of an open repository; may be left out while only one is open. At most 4096 characters. */
  repository?: string | null;
  /** Id of an entity, e.g. `FEAT-001`. 1 to 200 characters. */
  id: string;
  /** Return the file's text as well. Default: `false`. */
  text?: boolean;
}

/** One entity with all that the repository knows about it. */
export interface EntityGetResult {
  /** Version of the repository that the answer is about. */
  version: number;
  /** The entity. */
  entity: EntitySummary;
  /** The document as read. */
  data: Record<string, JsonValue>;
  /** Where the entity states its id. */
  location: Location;
  /** Facts in which it takes part. */
  relations: Relation[];
  /** Findings about it. */
  findings: Finding[];
  /** Other files that claim the same id. */
  duplicates: string[];
  /** The file's text, where the request asks for it. */
  text?: string;
}

/** Which entities to list. */
export interface EntityListParams {
  /** Token under which items are streamed with `$/progress`; the final answer's list is then empty. */
  partialResultToken?: number | string | null;
  /** Items to leave out at the beginning. Default: `0`. 0 to 10000000. */
  offset?: number;
  /** Items to return at the most. Default: `1000`. 1 to 10000. */
  limit?: number;
  /** Token under which the daemon reports progress with `$/progress`. */
  workDoneToken?: number | string | null;
  /** Id, path or file URI of an open repository; may be left out while only one is open. At most 4096 characters. */
  repository?: string | null;
  /** These types only. 1 to 100 items. */
  types?: string[] | null;
  /** These statuses only. 1 to 100 items. */
  statuses?: string[] | null;
}

/** Entities, by type and file. */
export interface EntityListResult {
  /** Version of the repository that the answer is about. */
  version: number;
  /** Entities that fit. */
  total: number;
  /** A page of them. */
  entities: EntitySummary[];
  /** Where the next page begins, if there is one. */
  nextOffset?: number;
}

/** What to look for. */
export interface EntitySearchParams {
  /** Items to leave out at the beginning. Default: `0`. 0 to 10000000. */
  offset?: number;
  /** Entities to return at the most. Default: `20`. 1 to 1000. */
  limit?: number;
  /** Token under which the daemon reports progress with `$/progress`. */
  workDoneToken?: number | string | null;
  /** Id, path or file URI of an open repository; may be left out while only one is open. At most 4096 characters. */
  repository?: string | null;
  /** Words, "phrases", -excluded words, field:value (`status:blocked`, `owner:@mei`); all if empty. At most 1000 characters. */
  query: string;
  /** These types only. 1 to 100 items. */
  types?: string[] | null;
  /** These statuses only. 1 to 100 items. */
  statuses?: string[] | null;
  /** Look in these fields only, e.g. `title`. 1 to 100 items. */
  fields?: string[] | null;
}

/** Entities that fit, the best first. */
export interface EntitySearchResult {
  /** Version of the repository that the answer is about. */
  version: number;
  /** Entities that fit. */
  total: number;
  /** A page of them. */
  hits: SearchHit[];
  /** Where the next page begins, if there is one. */
  nextOffset?: number;
}

/** The entity to make. */
export interface EntityCreateParams {
  /** Token under which the daemon reports progress with `$/progress`. */
  workDoneToken?: number | string | null;
  /** Id, path or file URI of an open repository; may be left out while only one is open. At most 4096 characters. */
  repository?: string | null;
  /** Write the files; otherwise only show what would change. Default: `false`. */
  apply?: boolean;
  /** Entity type, e.g. `feature`. 1 to 100 characters. */
  type: string;
  /** The next free id without it. 1 to 200 characters. */
  id?: string | null;
  /** Fields of the entity, without its id. */
  data?: Record<string, JsonValue> | null;
  /** Name of a builder template to start from. 1 to 200 characters. */
  template?: string | null;
  /** Values for the template's placeholders. */
  values?: Record<string, JsonValue> | null;
  /** Write the reverse side of every link as well. Default: `true`. */
  link?: boolean;
  /** Make it although it breaks its schema. Default: `false`. */
  allowInvalid?: boolean;
}

/** A change: as an edit that a client can apply, and as a diff that a person can read. */
export interface EntityEditResult {
  /** Id of the entity after the change. */
  id: string;
  /** Its file after the change; none if it is gone. 1 to 4096 characters. */
  path?: string;
  /** Whether the files are written. */
  applied: boolean;
  /** The change for a client to show or apply. */
  edit: WorkspaceEdit;
  /** Unified diff of all files. */
  diff: string;
  /** The files that change. */
  files: string[];
  /** What a person should know about it. */
  warnings: string[];
  /** Version of the repository afterwards. */
  version: number;
}

/** Changes to one entity, made in their order. */
export interface EntityUpdateParams {
  /** Token under which the daemon reports progress with `$/progress`. */
  workDoneToken?: number | string | null;
  /** Id, path or file URI of an open repository; may be left out while only one is open. At most 4096 characters. */
  repository?: string | null;
  /** Write the files; otherwise only show what would change. Default: `false`. */
  apply?: boolean;
  /** Id of an entity, e.g. `FEAT-001`. 1 to 200 characters. */
  id: string;
  /** Which file, where several claim the id. 1 to 4096 characters. */
  file?: string | null;
  /** What to change; each sees what the ones before it have done. 1 to 1000 items. */
  changes: (SetValue | AppendValue | InsertValue | RemoveValue)[];
  /** Make them although the entity then breaks its schema. Default: `false`. */
  allowInvalid?: boolean;
}

/** The new id of an entity. */
export interface EntityRenameParams {
  /** Token under which the daemon reports progress with `$/progress`. */
  workDoneToken?: number | string | null;
  /** Id, path or file URI of an open repository; may be left out while only one is open. At most 4096 characters. */
  repository?: string | null;
  /** Write the files; otherwise only show what would change. Default: `false`. */
  apply?: boolean;
  /** Id of an entity, e.g. `FEAT-001`. 1 to 200 characters. */
  id: string;
  /** Which file, where several claim the id. 1 to 4096 characters. */
  file?: string | null;
  /** Id of an entity, e.g. `FEAT-001`. 1 to 200 characters. */
  newId: string;
}

/** The entity to remove. */
export interface EntityDeleteParams {
  /** Token under which the daemon reports progress with `$/progress`. */
  workDoneToken?: number | string | null;
  /** Id, path or file URI of an open repository; may be left out while only one is open. At most 4096 characters. */
  repository?: string | null;
  /** Write the files; otherwise only show what would change. Default: `false`. */
  apply?: boolean;
  /** Id of an entity, e.g. `FEAT-001`. 1 to 200 characters. */
  id: string;
  /** Which file, where several claim the id. 1 to 4096 characters. */
  file?: string | null;
  /** refuse: fail while others name it; remove: take it out of them. Default: `"refuse"`. */
  references?: 'refuse' | 'remove';
}

/** Which part of which file to read. */
export interface FileReadParams {
  /** Token under which the daemon reports progress with `$/progress`. */
  workDoneToken?: number | string | null;
  /** Id, path or file URI of an open repository; may be left out while only one is open. At most 4096 characters. */
  repository?: string | null;
  /** Path relative to the repository, with forward slashes. */
  path: string;
  /** First line, 0-based. Default: `0`. At least 0. */
  startLine?: number;
  /** Lines to return at the most. At least 1. */
  maxLines?: number | null;
}

/** A text file, unsaved editor text first. */
export interface FileReadResult {
  /** Path relative to the repository, with forward slashes. 1 to 4096 characters. */
  path: string;
  /** The lines that were asked for. */
  text: string;
  /** Bytes of the whole file. */
  size: number;
  /** Lines of the whole file. */
  lines: number;
  /** First line of `text`, 0-based. */
  startLine: number;
  /** Whether the file goes on after `text`. */
  truncated: boolean;
  /** How the lines of the file end. */
  lineEnding: 'lf' | 'crlf' | 'mixed';
  /** SHA-256 of the whole file, in hexadecimal. */
  sha256: string;
}

/** For which entity to render a prompt. */
export interface PromptRenderParams {
  /** Token under which the daemon reports progress with `$/progress`. */
  workDoneToken?: number | string | null;
  /** Id, path or file URI of an open repository; may be left out while only one is open. At most 4096 characters. */
  repository?: string | null;
  /** Id of an entity, e.g. `FEAT-001`. 1 to 200 characters. */
  id: string;
  /** Name of a prompt template; the type's own without it. 1 to 200 characters. */
  template?: string | null;
  /** The time to write into it; the current time (UTC) without it. At most 100 characters. */
  now?: string | null;
  /** Write prompt and checklist under `generated/prompts/`. Default: `false`. */
  write?: boolean;
}

/** A rendered prompt with its checklist. */
export interface PromptRenderResult {
  /** Id of the entity. */
  id: string;
  /** The template. 1 to 4096 characters. */
  template: string;
  /** The prompt, in Markdown. */
  prompt: string;
  /** None where the repository has no checklist template. */
  checklist?: string;
  /** Where the prompt belongs. 1 to 4096 characters. */
  promptPath: string;
  /** Where the checklist belongs. 1 to 4096 characters. */
  checklistPath: string;
  /** Whether the files were written. */
  written: boolean;
}

/** Whose pipelines to list. */
export interface PipelineListParams {
  /** Token under which the daemon reports progress with `$/progress`. */
  workDoneToken?: number | string | null;
  /** Id, path or file URI of an open repository; may be left out while only one is open. At most 4096 characters. */
  repository?: string | null;
}

/** The built-in pipelines, then the scripts of `package.json`. */
export interface PipelineListResult {
  /** All of them. */
  pipelines: Pipeline[];
}

/** Which pipeline to run. */
export interface PipelineRunParams {
  /** Token under which the daemon reports progress with `$/progress`. */
  workDoneToken?: number | string | null;
  /** Id, path or file URI of an open repository; may be left out while only one is open. At most 4096 characters. */
  repository?: string | null;
  /** Name of a built-in pipeline or a script. 1 to 200 characters. */
  name: string;
  /** native: built in; script: of `package.json`. Default: `"native"`. */
  engine?: 'native' | 'script';
  /** Entities for impact (at least one) and generate (all without it). At most 1000 items. */
  ids?: string[] | null;
  /** Arguments for a script. At most 100 items. */
  args?: string[] | null;
  /** generate: the time to write into prompts; the current time (UTC) without it. At most 100 characters. */
  now?: string | null;
  /** generate: write absolute paths into prompts, as the old scripts did. Default: `false`. */
  absolutePaths?: boolean;
  /** Engine native: don't write the generated files. Default: `false`. */
  dryRun?: boolean;
  /** Engine script: the person has seen the command line and wants it to run. Default: `false`. */
  confirm?: boolean;
}

/** What a pipeline returned. */
export interface PipelineRunResult {
  /** What ran. */
  name: string;
  /** What ran it. */
  engine: 'native' | 'script';
  /** Whether it succeeded. */
  ok: boolean;
  /** The pipeline's JSON; of a script, if it printed any. */
  output?: JsonValue;
  /** The command line of a script. */
  command?: string[];
  /** Why another program ran the script than the one asked for. */
  note?: string;
  /** Exit code of a script. */
  exitCode?: number;
  /** The end of what a script printed. */
  stdout?: string;
  /** The end of what a script printed as errors. */
  stderr?: string;
  /** Whether the script printed more than is shown. */
  truncated: boolean;
  /** How long it took, in milliseconds. */
  durationMs: number;
}

/** The providers, the built-in one first. */
export interface ProviderListResult {
  /** All of them. */
  providers: Provider[];
  /** Model for conversations. 3 to 300 characters. */
  chat: string;
  /** Model for specs, prompts and code. 3 to 300 characters. */
  generation: string;
  /** Model for embeddings; nothing: the built-in one. */
  embeddings?: string;
  /** Models that are asked when the chosen one can't answer. */
  fallbacks: string[];
}

/** Whose models to list. */
export interface ProviderModelsParams {
  /** Token under which the daemon reports progress with `$/progress`. */
  workDoneToken?: number | string | null;
  /** Name of a provider in the settings. 1 to 60 characters. */
  provider: string;
}

/** What the provider really offers, by its own word. */
export interface ProviderModelsResult {
  /** Name of a provider in the settings. 1 to 60 characters. */
  provider: string;
  /** By name. */
  models: Model[];
  /** False where the provider has no list of models and these are those of the settings. */
  complete: boolean;
}

/** What to try. */
export interface ProviderTestParams {
  /** Token under which the daemon reports progress with `$/progress`. */
  workDoneToken?: number | string | null;
  /** Name of a provider in the settings. 1 to 60 characters. */
  provider: string;
  /** Its first one of the settings without it. 1 to 200 characters. */
  model?: string | null;
}

/** How one short request went; a failure is a result here, not an error. */
export interface ProviderTestResult {
  /** Name of a provider in the settings. 1 to 60 characters. */
  provider: string;
  /** The model that was asked. */
  model: string;
  /** Whether it answered. */
  ok: boolean;
  /** What happened, for people. */
  detail: string;
  /** Time to the first output, in milliseconds. */
  firstOutputMs?: number;
  /** Time to the end of the answer, in milliseconds. */
  totalMs?: number;
  /** What went wrong, for programs. */
  error?: ErrorData;
}

/** What was thrown away. */
export interface ProviderClearCacheResult {
  /** Answers that were kept. */
  removed: number;
}

/** Which key is wanted, and what for. */
export interface SecretRequestParams {
  /** As it stands in the settings, e.g. `client:work-openai`. */
  reference: string;
  /** Name of a provider in the settings. 1 to 60 characters. */
  provider: string;
  /** One line for the person. */
  reason: string;
}

/** The key; the daemon keeps it in memory only, until it ends. */
export interface SecretRequestResult {
  /** Nothing: the person does not give it. At most 20000 characters. */
  value?: string | null;
}

/** How the session is to be. */
export interface SessionCreateParams {
  /** Token under which the daemon reports progress with `$/progress`. */
  workDoneToken?: number | string | null;
  /** Id, path or file URI of an open repository; may be left out while only one is open. At most 4096 characters. */
  repository?: string | null;
  /** The beginning of the first message without it. 1 to 200 characters. */
  title?: string | null;
  /** general: answers and acts; improvement: looks for what could be better; clarification: asks back before it answers, and has no tools that change or run anything. Default: `"general"`. */
  mode?: 'general' | 'improvement' | 'clarification';
  /** As the settings say without it. 3 to 300 characters. */
  model?: string | null;
  /** As the settings say without it. */
  budget?: Budget | null;
  /** The client's own tools. Default: `[]`. At most 64 items. */
  tools?: ClientTool[];
}

/** A session. */
export interface SessionResult {
  /** The session. */
  session: Session;
}

/** Which sessions to list. */
export interface SessionListParams {
  /** Of this open repository only; of all without it. At most 4096 characters. */
  repository?: string | null;
  /** Archived ones; null: both. Default: `false`. */
  archived?: boolean | null;
  /** Part of the title. At most 200 characters. */
  query?: string | null;
  /** Sessions to leave out at the beginning. Default: `0`. 0 to 10000000. */
  offset?: number;
  /** Sessions to return at the most. Default: `100`. 1 to 1000. */
  limit?: number;
}

/** Sessions, the most recently used first. */
export interface SessionListResult {
  /** Sessions that fit. */
  total: number;
  /** A page of them. */
  sessions: Session[];
  /** Where the next page begins, if there is one. */
  nextOffset?: number;
}

/** Which session to return, and from where on. */
export interface SessionGetParams {
  /** Id of a session. 1 to 64 characters. */
  id: string;
  /** Only items with a later event than this sequence number; all without it. 0 to 9.007199255e+15. */
  replayFrom?: number | null;
  /** Items to return at the most. Default: `1000`. 1 to 10000. */
  limit?: number;
}

/** A session as it is on disk now, whichever daemon wrote it. */
export interface SessionGetResult {
  /** The session. */
  session: Session;
  /** Its turns. */
  turns: Turn[];
  /** Items by sequence number where `replayFrom` is given, else as they began. */
  items: Item[];
  /** What to give as `replayFrom` for the rest; nothing at the end. */
  nextReplayFrom?: number;
}

/** A new title. */
export interface SessionRenameParams {
  /** Id of a session. 1 to 64 characters. */
  id: string;
  /** The new title. 1 to 200 characters. */
  title: string;
}

/** Where to branch off. */
export interface SessionForkParams {
  /** Id of a session. 1 to 64 characters. */
  id: string;
  /** The last turn to copy; all ended ones without it. 1 to 64 characters. */
  upToTurn?: string | null;
  /** As before without it. 1 to 200 characters. */
  title?: string | null;
  /** As before without it. */
  budget?: Budget | null;
}

/** Put away or fetch back. */
export interface SessionArchiveParams {
  /** Id of a session. 1 to 64 characters. */
  id: string;
  /** False fetches it back. Default: `true`. */
  archived?: boolean;
}

/** Which session it is about. */
export interface SessionIdParams {
  /** Id of a session. 1 to 64 characters. */
  id: string;
}

/** What is gone. */
export interface SessionDeleteResult {
  /** Id of a session. 1 to 64 characters. */
  id: string;
}

/** In which form. */
export interface SessionExportParams {
  /** Id of a session. 1 to 64 characters. */
  id: string;
  /** For people, or for programs. Default: `"markdown"`. */
  format?: 'markdown' | 'json';
}

/** The whole session as a text. */
export interface SessionExportResult {
  /** Id of a session. 1 to 64 characters. */
  id: string;
  /** `text/markdown` or `application/json`. */
  mediaType: string;
  /** The text; it holds no key. */
  content: string;
}

/** How to summarize. */
export interface SessionCompactParams {
  /** Token under which the daemon reports progress with `$/progress`. */
  workDoneToken?: number | string | null;
  /** Id of a session. 1 to 64 characters. */
  id: string;
  /** What the summary must not lose. At most 4000 characters. */
  instructions?: string | null;
}

/** The summary. */
export interface SessionCompactResult {
  /** The session. */
  session: Session;
  /** The summary; everything before it is kept, and no longer sent to the model. */
  item: Compaction;
  /** Tokens of the history before, estimated. */
  beforeTokens: number;
  /** Tokens of the history now, estimated. */
  afterTokens: number;
}

/** What the person says. */
export interface TurnStartParams {
  /** Token under which the daemon reports progress with `$/progress`. */
  workDoneToken?: number | string | null;
  /** Id of a session. 1 to 64 characters. */
  sessionId: string;
  /** The message; `assistant.maxMessageCharacters` bounds it. At least 1 characters. */
  text?: string | null;
  /** What the person points at. Default: `[]`. At most 50 items. */
  attachments?: Attachment[];
  /** Go on with this interrupted turn instead; without a text. 1 to 64 characters. */
  resume?: string | null;
  /** For this turn and those after it. 3 to 300 characters. */
  model?: string | null;
  /** For this turn and those after it. */
  mode?: 'general' | 'improvement' | 'clarification' | null;
  /** As the settings say without it. 0 to 2. */
  temperature?: number | null;
  /** As the settings say without it. 1 to 1000000. */
  maxOutputTokens?: number | null;
  /** Ask the model even if an answer is kept. Default: `false`. */
  bypassCache?: boolean;
}

/** A turn as it is on disk. */
export interface TurnResult {
  /** The turn. */
  turn: Turn;
}

/** Which turn to end. */
export interface TurnCancelParams {
  /** Id of a session. 1 to 64 characters. */
  sessionId: string;
  /** Whatever turn runs without it. 1 to 64 characters. */
  turnId?: string | null;
}

/** What to tell the assistant while it works. */
export interface TurnSteerParams {
  /** Id of a session. 1 to 64 characters. */
  sessionId: string;
  /** It is read before the model is asked next. At least 1 characters. */
  text: string;
}

/** The message as it is on disk. */
export interface TurnSteerResult {
  /** The message. */
  item: UserMessage;
}

/** Something that happened in a turn. */
export interface TurnEventParams {
  /** What happened. */
  event: TurnEvent;
}

/** Whose tools to list. */
export interface ToolListParams {
  /** Token under which the daemon reports progress with `$/progress`. */
  workDoneToken?: number | string | null;
  /** Id, path or file URI of an open repository; may be left out while only one is open. At most 4096 characters. */
  repository?: string | null;
  /** With the tools that the client gave this session. 1 to 64 characters. */
  sessionId?: string | null;
}

/** The tools, the same for client and model. */
export interface ToolListResult {
  /** By name. */
  tools: Tool[];
}

/** Which tool to run. */
export interface ToolRunParams {
  /** Token under which the daemon reports progress with `$/progress`. */
  workDoneToken?: number | string | null;
  /** Id, path or file URI of an open repository; may be left out while only one is open. At most 4096 characters. */
  repository?: string | null;
  /** The tool. 1 to 64 characters. */
  name: string;
  /** What its schema asks for. Default: `{}`. */
  arguments?: Record<string, JsonValue>;
  /** Whose approvals and tools hold; the session itself does not change. 1 to 64 characters. */
  sessionId?: string | null;
}

/** What the tool did; a tool that fails is a result, not an error. */
export interface ToolRunResult {
  /** Id of the run. */
  callId: string;
  /** The tool. */
  name: string;
  /** How it went. */
  status: 'ok' | 'error' | 'denied';
  /** The result for programs. */
  output?: JsonValue;
  /** The result as a model reads it. */
  text: string;
  /** Whether the text was cut. */
  truncated: boolean;
  /** How long it took, approval excluded. */
  durationMs: number;
  /** Stable name of the error, where it failed. */
  errorCode?: string;
}

/** Which tool of the client to run. */
export interface ToolCallParams {
  /** Id of a session. 1 to 64 characters. */
  sessionId: string;
  /** The turn that wants it, if one does. 1 to 64 characters. */
  turnId?: string;
  /** Id of the run. */
  callId: string;
  /** The tool. */
  name: string;
  /** They fit the tool's schema. */
  arguments: Record<string, JsonValue>;
}

/** What the client's tool did. */
export interface ToolCallResult {
  /** The result as the model is to read it. At most 1000000 characters. */
  text: string;
  /** The result for programs. */
  output?: JsonValue;
  /** Whether the tool failed. Default: `false`. */
  isError?: boolean;
}

/** Which approvals to list. */
export interface ApprovalListParams {
  /** Of this session only. 1 to 64 characters. */
  sessionId?: string | null;
  /** In this state only; null: all. Default: `"pending"`. */
  state?: 'pending' | 'allowed' | 'denied' | 'expired' | 'cancelled' | null;
  /** Approvals to leave out at the beginning. Default: `0`. 0 to 10000000. */
  offset?: number;
  /** Approvals to return at the most; fewer, where they are long. Default: `1000`. 1 to 10000. */
  limit?: number;
}

/** Approvals, the oldest first. */
export interface ApprovalListResult {
  /** Approvals that fit. */
  total: number;
  /** A page of them. */
  approvals: Approval[];
  /** Where the next page begins, if there is one. */
  nextOffset?: number;
}

/** Which approval the person answers, and how. */
export interface ApprovalResolveParams {
  /** allowForSession: the same tool on the same files, or the same command line, asks no more. */
  decision: 'allowOnce' | 'allowForSession' | 'deny';
  /** Other arguments than those asked about; only with `allowOnce`. */
  arguments?: Record<string, JsonValue> | null;
  /** Why; the model is told. At most 4000 characters. */
  note?: string | null;
  /** Id of an approval. 1 to 64 characters. */
  id: string;
}

/** The approval with its answer. */
export interface ApprovalResolveResult {
  /** As it is on disk now. */
  approval: Approval;
}

/** What to ask the person. */
export interface ApprovalRequestParams {
  /** What to show: all of it. */
  approval: Approval;
}

/** What the person said. */
export interface ApprovalRequestResult {
  /** allowForSession: the same tool on the same files, or the same command line, asks no more. */
  decision: 'allowOnce' | 'allowForSession' | 'deny';
  /** Other arguments than those asked about; only with `allowOnce`. */
  arguments?: Record<string, JsonValue> | null;
  /** Why; the model is told. At most 4000 characters. */
  note?: string | null;
}

/** What the specification is about; entities, a requirement or both. */
export interface SpecGenerateParams {
  /** Token under which text is streamed with `$/progress`, as lists of `{text}`; the final answer holds the whole text all the same, and counts. */
  partialResultToken?: number | string | null;
  /** The settings' one for generation without it. 3 to 300 characters. */
  model?: string | null;
  /** As the settings say without it. 0 to 2. */
  temperature?: number | null;
  /** As the settings say without it. 1 to 1000000. */
  maxOutputTokens?: number | null;
  /** Ask the model even if an answer is kept. Default: `false`. */
  bypassCache?: boolean;
  /** Token under which the daemon reports progress with `$/progress`. */
  workDoneToken?: number | string | null;
  /** Id, path or file URI of an open repository; may be left out while only one is open. At most 4096 characters. */
  repository?: string | null;
  /** Ids of entities that it is about. Default: `[]`. At most 50 items. */
  entities?: string[];
  /** What must be true, in a person's words. 1 to 100000 characters. */
  requirement?: string | null;
  /** `default`, `api`, `feature`, a template of `.context-kit/prompts.yml` or a builder template. Default: `"default"`. 1 to 200 characters. */
  template?: string;
  /** Add what a search finds for the requirement to the entities and their neighbours. Default: `false`. */
  context?: boolean;
  /** The next free id without it. 1 to 200 characters. */
  id?: string | null;
  /** Write the files; otherwise only show what would change. Default: `false`. */
  apply?: boolean;
}

/** A specification: as text, as an entity linked both ways, and as an entry of the log. */
export interface SpecGenerateResult {
  /** Id of a generation. 1 to 64 characters. */
  generationId: string;
  /** Where it came from. */
  answered: Answered;
  /** Whether the files are written; `ckit/code/apply` writes them later. */
  applied: boolean;
  /** The change for a client to show or apply. */
  edit: WorkspaceEdit;
  /** Unified diff of all files. */
  diff: string;
  /** The files that change. */
  files: string[];
  /** What a person should know about it. */
  warnings: string[];
  /** Version of the repository afterwards. */
  version: number;
  /** Id of an entity, e.g. `FEAT-001`. 1 to 200 characters. */
  id: string;
  /** Path relative to the repository, with forward slashes. 1 to 4096 characters. */
  path: string;
  /** The entity; it fits the repository's schema. */
  data: Record<string, JsonValue>;
  /** How often the model had to mend its answer. */
  repairs: number;
  /** The whole text, in Markdown. */
  markdown: string;
  /** File of the log entry, which is part of the change. 1 to 4096 characters. */
  logPath: string;
}

/** What to make a prompt of: one of `id` and `text`. */
export interface SpecPromptifyParams {
  /** Token under which the daemon reports progress with `$/progress`. */
  workDoneToken?: number | string | null;
  /** Id, path or file URI of an open repository; may be left out while only one is open. At most 4096 characters. */
  repository?: string | null;
  /** The specification. 1 to 200 characters. */
  id?: string | null;
  /** The text of a specification that isn't saved. 1 to 500000 characters. */
  text?: string | null;
  /** `codegen`, `review`, `test`, or a template of `.context-kit/prompts.yml`. Default: `"codegen"`. 1 to 200 characters. */
  target?: string;
  /** Most tokens that the prompt may have. Default: `8000`. 200 to 1000000. */
  maxTokens?: number;
  /** Whose tokens to count; of the settings' one for generation without it. 3 to 300 characters. */
  model?: string | null;
  /** Write an entry to the repository's log. Default: `false`. */
  log?: boolean;
}

/** A prompt within its budget, and what went into it. */
export interface SpecPromptifyResult {
  /** Id of a generation. 1 to 64 characters. */
  generationId: string;
  /** The prompt, in Markdown. */
  prompt: string;
  /** What it is for. */
  target: string;
  /** Tokens of the prompt. */
  tokens: number;
  /** The most that it may have. */
  maxTokens: number;
  /** The counts are ours, because the model's tokenizer isn't known. */
  estimated: boolean;
  /** Every part that was considered, the most important first. */
  receipts: Receipt[];
  /** What a person should know about it. */
  warnings: string[];
  /** File of the log entry, if one was written. 1 to 4096 characters. */
  logPath?: string;
}

/** Which entries to list. */
export interface SpecLogListParams {
  /** Items to leave out at the beginning. Default: `0`. 0 to 10000000. */
  offset?: number;
  /** Items to return at the most. Default: `1000`. 1 to 10000. */
  limit?: number;
  /** Token under which the daemon reports progress with `$/progress`. */
  workDoneToken?: number | string | null;
  /** Id, path or file URI of an open repository; may be left out while only one is open. At most 4096 characters. */
  repository?: string | null;
  /** About this entity only. 1 to 200 characters. */
  entity?: string | null;
  /** Of this kind only. */
  requestType?: 'inspect' | 'spec-generate' | 'promptify' | 'codegen' | null;
  /** With this outcome only. */
  status?: 'success' | 'failure' | 'partial' | null;
}

/** Entries, the newest first. */
export interface SpecLogListResult {
  /** Entries that fit. */
  total: number;
  /** A page of them. */
  entries: LogSummary[];
  /** Where the next page begins, if there is one. */
  nextOffset?: number;
}

/** Which entry to return. */
export interface SpecLogGetParams {
  /** Token under which the daemon reports progress with `$/progress`. */
  workDoneToken?: number | string | null;
  /** Id, path or file URI of an open repository; may be left out while only one is open. At most 4096 characters. */
  repository?: string | null;
  /** Id of a log entry. 1 to 200 characters. */
  id: string;
}

/** An entry as it is in its file. */
export interface SpecLogGetResult {
  /** The entry in short. */
  summary: LogSummary;
  /** What the file says; null where it is no JSON. */
  entry: JsonValue;
}

/** What to build, and how. */
export interface CodeGenerateParams {
  /** The settings' one for generation without it. 3 to 300 characters. */
  model?: string | null;
  /** As the settings say without it. 0 to 2. */
  temperature?: number | null;
  /** As the settings say without it. 1 to 1000000. */
  maxOutputTokens?: number | null;
  /** Ask the model even if an answer is kept. Default: `false`. */
  bypassCache?: boolean;
  /** Token under which the daemon reports progress with `$/progress`. */
  workDoneToken?: number | string | null;
  /** Id, path or file URI of an open repository; may be left out while only one is open. At most 4096 characters. */
  repository?: string | null;
  /** Id of an entity, e.g. `FEAT-001`. 1 to 200 characters. */
  spec: string;
  /** As `.context-kit/stack.yml` says without it. 1 to 60 characters. */
  language?: string | null;
  /** What to build it with. 1 to 200 characters. */
  framework?: string | null;
  /** How the code is to look. 1 to 50000 characters. */
  styleGuide?: string | null;
  /** Where the files belong, if anywhere special. 1 to 4096 characters. */
  folder?: string | null;
  /** Most tokens of material for the model. Default: `16000`. 500 to 1000000. */
  maxTokens?: number;
}

/** Generated files; none is written before `ckit/code/apply`. */
export interface CodeGenerateResult {
  /** Id of a generation. 1 to 64 characters. */
  generationId: string;
  /** Where it came from. */
  answered: Answered;
  /** Whether the files are written; `ckit/code/apply` writes them later. */
  applied: boolean;
  /** The change for a client to show or apply. */
  edit: WorkspaceEdit;
  /** Unified diff of all files. */
  diff: string;
  /** The files that change. */
  files: string[];
  /** What a person should know about it. */
  warnings: string[];
  /** Version of the repository afterwards. */
  version: number;
  /** The files. */
  artifacts: Artifact[];
}

/** What to write. */
export interface CodeApplyParams {
  /** Token under which the daemon reports progress with `$/progress`. */
  workDoneToken?: number | string | null;
  /** Id, path or file URI of an open repository; may be left out while only one is open. At most 4096 characters. */
  repository?: string | null;
  /** Id of a generation. 1 to 64 characters. */
  generationId: string;
  /** Only these files; all of them without it. 1 to 200 items. */
  paths?: string[] | null;
  /** Whose approvals hold. 1 to 64 characters. */
  sessionId?: string | null;
}

/** Files that were changed. */
export interface CodeChangedFiles {
  /** Id of a generation. 1 to 64 characters. */
  generationId: string;
  /** The files. */
  files: string[];
  /** Unified diff of all of them. */
  diff: string;
  /** Version of the repository afterwards. */
  version: number;
}

/** What to take back. */
export interface CodeUndoParams {
  /** Token under which the daemon reports progress with `$/progress`. */
  workDoneToken?: number | string | null;
  /** Id, path or file URI of an open repository; may be left out while only one is open. At most 4096 characters. */
  repository?: string | null;
  /** Id of a generation. 1 to 64 characters. */
  generationId: string;
}

/** The entity to make up. */
export interface EntityGenerateParams {
  /** The settings' one for generation without it. 3 to 300 characters. */
  model?: string | null;
  /** As the settings say without it. 0 to 2. */
  temperature?: number | null;
  /** As the settings say without it. 1 to 1000000. */
  maxOutputTokens?: number | null;
  /** Ask the model even if an answer is kept. Default: `false`. */
  bypassCache?: boolean;
  /** Token under which the daemon reports progress with `$/progress`. */
  workDoneToken?: number | string | null;
  /** Id, path or file URI of an open repository; may be left out while only one is open. At most 4096 characters. */
  repository?: string | null;
  /** Entity type, e.g. `feature`. 1 to 100 characters. */
  type: string;
  /** What it is to be, in a person's words. 1 to 100000 characters. */
  request: string;
  /** The feature that it belongs to. 1 to 200 characters. */
  feature?: string | null;
  /** The next free id without it. 1 to 200 characters. */
  id?: string | null;
  /** How often the model may mend its answer; as the settings say without. 0 to 10. */
  maxRepairs?: number | null;
  /** Write the files; otherwise only show what would change. Default: `false`. */
  apply?: boolean;
}

/** A generated entity. */
export interface EntityChange {
  /** Id of a generation. 1 to 64 characters. */
  generationId: string;
  /** Where it came from. */
  answered: Answered;
  /** Whether the files are written; `ckit/code/apply` writes them later. */
  applied: boolean;
  /** The change for a client to show or apply. */
  edit: WorkspaceEdit;
  /** Unified diff of all files. */
  diff: string;
  /** The files that change. */
  files: string[];
  /** What a person should know about it. */
  warnings: string[];
  /** Version of the repository afterwards. */
  version: number;
  /** Id of an entity, e.g. `FEAT-001`. 1 to 200 characters. */
  id: string;
  /** Path relative to the repository, with forward slashes. 1 to 4096 characters. */
  path: string;
  /** The entity; it fits the repository's schema. */
  data: Record<string, JsonValue>;
  /** How often the model had to mend its answer. */
  repairs: number;
}

/** What to explain: one of the two. */
export interface GenerationExplainParams {
  /** Token under which the daemon reports progress with `$/progress`. */
  workDoneToken?: number | string | null;
  /** Id, path or file URI of an open repository; may be left out while only one is open. At most 4096 characters. */
  repository?: string | null;
  /** The generation. 1 to 64 characters. */
  id?: string | null;
  /** What the newest generation of this entity was. 1 to 200 characters. */
  entity?: string | null;
}

/** Where something came from, and whether that still holds. */
export interface GenerationExplainResult {
  /** The generation. */
  generation: Generation;
  /** Whether all inputs and the template are what they were. */
  fresh: boolean;
}

/** Whose index to look at. */
export interface RagStatusParams {
  /** Token under which the daemon reports progress with `$/progress`. */
  workDoneToken?: number | string | null;
  /** Id, path or file URI of an open repository; may be left out while only one is open. At most 4096 characters. */
  repository?: string | null;
}

/** How far the index is, and what it can do meanwhile. */
export interface RagStatusResult {
  /** Version of the repository that the answer is about. */
  version: number;
  /** absent: it is built when somebody searches, or by `ckit/rag/index`; building: what is there already is found; degraded: words are searched, `reason` says why not meaning. */
  state: 'absent' | 'building' | 'ready' | 'degraded' | 'disabled';
  /** Why it is not ready, and what happens next, for people. */
  reason?: string;
  /** Passages that the repository holds now; all can be found by words. */
  chunks: number;
  /** Of these, how many can be found by meaning. */
  embedded: number;
  /** Passages in which something that looks like a secret was masked. */
  masked: number;
  /** What is left out: lines of notes and entries of the spec log that are no JSON objects, and files beside the entities that can't be read: too large, not UTF-8, or links that lead out. */
  broken: number;
  /** Who turns passages into vectors, `provider/model`. */
  embedder: string;
  /** Length of a vector, once it is known. */
  dimension?: number;
  /** The embedder that a new index is being built with, beside the present one. */
  buildingEmbedder?: string;
  /** `embedded`, or the address of the Chroma server, without credentials. */
  store: string;
  /** Which daemon embeds at the moment. */
  writer: 'this' | 'another' | 'none';
  /** How long it will take, as far as can be told. */
  secondsLeft?: number;
  /** Size of the index on this disk. */
  bytes: number;
}

/** Whose index to bring up to date. */
export interface RagIndexParams {
  /** Token under which the daemon reports progress with `$/progress`. */
  workDoneToken?: number | string | null;
  /** Id, path or file URI of an open repository; may be left out while only one is open. At most 4096 characters. */
  repository?: string | null;
  /** Forget all vectors of the repository first, on a Chroma server for everybody who uses it. Default: `false`. */
  rebuild?: boolean;
}

/** What to look for and how. */
export interface RagSearchParams {
  /** Passages of entities of these types only. 1 to 100 items. */
  types?: string[] | null;
  /** Passages of entities with these statuses only. 1 to 100 items. */
  statuses?: string[] | null;
  /** These kinds of passages only. 1 to 4 items. */
  kinds?: ('entity' | 'markdown' | 'note' | 'specLog')[] | null;
  /** Files that fit one of these globs only, relative to the repository; `**` crosses folders, and the name of a folder stands for all that is in it. 1 to 100 items. */
  paths?: string[] | null;
  /** Only entities that an edge of the graph joins to this one, and notes about them. 1 to 200 characters. */
  relatedTo?: string | null;
  /** With `relatedTo`: the kinds of edges that count. 1 to 50 items. */
  relations?: string[] | null;
  /** Token under which the daemon reports progress with `$/progress`. */
  workDoneToken?: number | string | null;
  /** Id, path or file URI of an open repository; may be left out while only one is open. At most 4096 characters. */
  repository?: string | null;
  /** A question, words or ids; exact ids always come first. 1 to 20000 characters. */
  query: string;
  /** Passages to return at the most. Default: `10`. 1 to 100. */
  topK?: number;
  /** hybrid: by words and by meaning; lexical: by words; vector: by meaning. Default: `"hybrid"`. */
  mode?: 'hybrid' | 'lexical' | 'vector';
  /** neighbours: also look at what the graph joins to strong hits. Default: `"neighbours"`. */
  expand?: 'none' | 'neighbours';
  /** Let the language model for conversations order the best hits anew. Default: `false`. */
  rerank?: boolean;
}

/** Passages, the best first; each entity, section and note at most once, by the passage that fits best. */
export interface RagSearchResult {
  /** Version of the repository that the answer is about. */
  version: number;
  /** What was found. */
  hits: RagHit[];
  /** How it was really looked for. */
  mode: 'hybrid' | 'lexical' | 'vector';
  /** Why it was not looked for as asked, and what happens next, for people; nothing where it was. */
  degraded?: string;
}

/** What to compare with: one of `id` and `text`. */
export interface RagSimilarParams {
  /** Passages of entities of these types only. 1 to 100 items. */
  types?: string[] | null;
  /** Passages of entities with these statuses only. 1 to 100 items. */
  statuses?: string[] | null;
  /** These kinds of passages only. 1 to 4 items. */
  kinds?: ('entity' | 'markdown' | 'note' | 'specLog')[] | null;
  /** Files that fit one of these globs only, relative to the repository; `**` crosses folders, and the name of a folder stands for all that is in it. 1 to 100 items. */
  paths?: string[] | null;
  /** Only entities that an edge of the graph joins to this one, and notes about them. 1 to 200 characters. */
  relatedTo?: string | null;
  /** With `relatedTo`: the kinds of edges that count. 1 to 50 items. */
  relations?: string[] | null;
  /** Token under which the daemon reports progress with `$/progress`. */
  workDoneToken?: number | string | null;
  /** Id, path or file URI of an open repository; may be left out while only one is open. At most 4096 characters. */
  repository?: string | null;
  /** An entity; it is never found itself. 1 to 200 characters. */
  id?: string | null;
  /** A text. 1 to 20000 characters. */
  text?: string | null;
  /** Passages to return at the most. Default: `10`. 1 to 100. */
  topK?: number;
}

/** The question. */
export interface RagQueryParams {
  /** Token under which text is streamed with `$/progress`, as lists of `{text}`; the final answer holds the whole text all the same, and counts. */
  partialResultToken?: number | string | null;
  /** Passages of entities of these types only. 1 to 100 items. */
  types?: string[] | null;
  /** Passages of entities with these statuses only. 1 to 100 items. */
  statuses?: string[] | null;
  /** These kinds of passages only. 1 to 4 items. */
  kinds?: ('entity' | 'markdown' | 'note' | 'specLog')[] | null;
  /** Files that fit one of these globs only, relative to the repository; `**` crosses folders, and the name of a folder stands for all that is in it. 1 to 100 items. */
  paths?: string[] | null;
  /** Only entities that an edge of the graph joins to this one, and notes about them. 1 to 200 characters. */
  relatedTo?: string | null;
  /** With `relatedTo`: the kinds of edges that count. 1 to 50 items. */
  relations?: string[] | null;
  /** Token under which the daemon reports progress with `$/progress`. */
  workDoneToken?: number | string | null;
  /** Id, path or file URI of an open repository; may be left out while only one is open. At most 4096 characters. */
  repository?: string | null;
  /** In a person's words. 1 to 20000 characters. */
  question: string;
  /** Passages that the answer is made from; as the settings say without it. 1 to 100. */
  topK?: number | null;
  /** The settings' one for conversations without it. 3 to 300 characters. */
  model?: string | null;
  /** Ask the model even if an answer is kept. Default: `false`. */
  bypassCache?: boolean;
}

/** An answer that says where it has everything from. */
export interface RagQueryResult {
  /** Version of the repository that the answer is about. */
  version: number;
  /** Markdown with `[1]`; it counts, whatever was streamed. */
  text: string;
  /** False where nothing in the repository is relevant; the text then says so. */
  found: boolean;
  /** The places that the text names. */
  citations: Citation[];
  /** Its sentences, each checked against what it cites. */
  claims: Claim[];
  /** Who wrote it; `offline` puts it together from the passages. */
  answered: Answered;
  /** Why it was not looked for as asked, and what happens next, for people; nothing where it was. */
  degraded?: string;
  /** What a person should know about it. */
  warnings: string[];
}

/** Citations of earlier answers. */
export interface RagCheckParams {
  /** Token under which the daemon reports progress with `$/progress`. */
  workDoneToken?: number | string | null;
  /** Id, path or file URI of an open repository; may be left out while only one is open. At most 4096 characters. */
  repository?: string | null;
  /** Which to look at. 1 to 1000 items. */
  citations: Cited[];
}

/** What became of each citation. */
export interface RagCheckResult {
  /** Version of the repository that the answer is about. */
  version: number;
  /** In the order of the request. changed: the place says something else now; gone: it is no more. */
  states: ('fresh' | 'changed' | 'gone')[];
}

/** Whose index to delete. */
export interface RagClearParams {
  /** Token under which the daemon reports progress with `$/progress`. */
  workDoneToken?: number | string | null;
  /** Id, path or file URI of an open repository; may be left out while only one is open. At most 4096 characters. */
  repository?: string | null;
}

/** What was deleted. */
export interface RagClearResult {
  /** Vectors that it held. */
  removed: number;
}

/** `error` of a JSON-RPC answer. */
export interface ErrorObject {
  /** Number of the error; rely on `data.code` instead. */
  code: -33023 | -33022 | -33021 | -33020 | -33019 | -33018 | -33017 | -33016 | -33015 | -33014 | -33013 | -33012 | -33011 | -33010 | -33009 | -33008 | -33007 | -33006 | -33005 | -33004 | -33003 | -33002 | -33001 | -33000 | -32803 | -32801 | -32800 | -32700 | -32603 | -32602 | -32601 | -32600 | -32002;
  /** What happened, for people. */
  message: string;
  /** What happened, for programs. */
  data: ErrorData;
}

/** Where the answers of models came from, other than from a call of their own. */
export interface AnswerMetrics {
  /** Answers from the daemon's cache. */
  cacheHits: number;
  /** Answers that the cache did not have. */
  cacheMisses: number;
  /** Old answers from the cache, given because no provider could answer. */
  staleHits: number;
  /** Answers that an identical request in flight got as well. */
  shared: number;
  /** Further tries after a transient failure. */
  retries: number;
}

/** Which model answered, and what it took. */
export interface Answered {
  /** Who answered; `offline` is no language model. */
  provider: string;
  /** The model that answered. */
  model: string;
  /** The answer came from the daemon's own cache. */
  cached: boolean;
  /** What all calls took. */
  usage: Usage;
}

/** Append a value to the list at a path. */
export interface AppendValue {
  /** Map keys and list indexes from the root of the document. At most 64 items. */
  path: (string | number)[];
  /** The new last item. */
  append: JsonValue;
}

/** A question to a person: may this be done, exactly so? */
export interface Approval {
  /** Id of an approval. 1 to 64 characters. */
  id: string;
  /** The session that it is about, if any. 1 to 64 characters. */
  sessionId?: string;
  /** The turn that waits for it, if any. 1 to 64 characters. */
  turnId?: string;
  /** The run that waits for it. */
  toolCallId: string;
  /** Id of the repository. */
  repository: string;
  /** The tool. */
  tool: string;
  /** What it may do: read, change files, run programs. */
  class: 'read' | 'write' | 'exec';
  /** What it is, in one line. */
  title: string;
  /** A patch in Git's format, where files would change. */
  diff?: string;
  /** The files that would change. Default: `[]`. */
  files?: string[];
  /** The command line, where a program would run. */
  command?: string[];
  /** What the tool was called with. Default: `{}`. */
  arguments?: Record<string, JsonValue>;
  /** ISO 8601, UTC. */
  createdAt: string;
  /** No answer by then means no. ISO 8601, UTC. */
  expiresAt: string;
  /** How it stands. */
  state: 'pending' | 'allowed' | 'denied' | 'expired' | 'cancelled';
  /** The answer. */
  decision?: 'allowOnce' | 'allowForSession' | 'deny';
  /** When it was answered. */
  decidedAt?: string;
  /** What the person wrote about it. */
  note?: string;
}

/** That a person was asked, and what they said; `ckit/approval/list` has the whole. */
export interface ApprovalItem {
  /** Stable: the same in events, in the session and after a restart. */
  id: string;
  /** Id of a turn. 1 to 64 characters. */
  turnId: string;
  /** Sequence number of the newest durable event about the item. */
  seq: number;
  /** How it stands; cancelled and interrupted items keep what there was. */
  status: 'inProgress' | 'completed' | 'failed' | 'cancelled' | 'interrupted';
  /** ISO 8601, UTC. */
  createdAt: string;
  /** What the item is. */
  kind: 'approval';
  /** Id of the approval. */
  approvalId: string;
  /** Id of the tool call's item. */
  toolCallId: string;
  /** What was asked, in one line. */
  title: string;
  /** What came of it. */
  state: 'pending' | 'allowed' | 'denied' | 'expired' | 'cancelled';
  /** The answer. */
  decision?: 'allowOnce' | 'allowForSession' | 'deny';
}

/** A generated file. */
export interface Artifact {
  /** Path relative to the repository, with forward slashes. 1 to 4096 characters. */
  path: string;
  /** Its whole text. */
  content: string;
  /** What it is written in. */
  language: string;
  /** What it is for. */
  purpose: string;
  /** Whether there is such a file already, which would be replaced. */
  exists: boolean;
}

/** What the model said. */
export interface AssistantMessage {
  /** Stable: the same in events, in the session and after a restart. */
  id: string;
  /** Id of a turn. 1 to 64 characters. */
  turnId: string;
  /** Sequence number of the newest durable event about the item. */
  seq: number;
  /** How it stands; cancelled and interrupted items keep what there was. */
  status: 'inProgress' | 'completed' | 'failed' | 'cancelled' | 'interrupted';
  /** ISO 8601, UTC. */
  createdAt: string;
  /** What the item is. */
  kind: 'message';
  /** Markdown. */
  text: string;
  /** Who answered; `offline` is no language model. */
  provider: string;
  /** The model that answered. */
  model: string;
  /** What the call took. */
  usage?: Usage;
  /** The answer came from the daemon's own cache. Default: `false`. */
  cached?: boolean;
  /** What a person should know: another model than the chosen one answered, or the answer is old. */
  note?: string;
}

/** What the person points at. */
export type Attachment = EntityAttachment | FileAttachment | SelectionAttachment;

/** The most that a session may take. */
export interface Budget {
  /** Tokens, input and output together. At least 1. */
  maxTokens?: number;
  /** US dollars. At least 0. */
  maxCost?: number;
}

/** An entity that changed. */
export interface ChangedEntity {
  /** Its id; its new one if it was renamed. */
  id: string;
  /** Its type. */
  type: string;
  /** Its title or name. */
  title?: string;
  /** What happened to it; `assumed` where the request says so. */
  kind: 'added' | 'removed' | 'renamed' | 'changed' | 'assumed';
  /** Left out where nobody knows: an assumed change, or a side that can't be parsed. */
  fields?: FieldChange[];
}

/** The place that supports a claim. */
export interface Citation {
  /** As `[1]` stands in the answer. */
  number: number;
  /** Id of a passage: its file and the place in it. 1 to 8192 characters. */
  chunkId: string;
  /** What the passage is part of. */
  kind: 'entity' | 'markdown' | 'note' | 'specLog';
  /** Id of the entity that it belongs to. */
  entity?: string;
  /** What it is about, for people. */
  title: string;
  /** Path of the value in its document; for Markdown the headings above it. At most 64 items. */
  field: (string | number)[];
  /** Where it stands. */
  location: Location;
  /** The commit that was checked out; nothing without Git. */
  commit?: string;
  /** SHA-256 of the passage's text, in hexadecimal. */
  contentHash: string;
  /** What it says, shortened. */
  excerpt: string;
}

/** A citation as an answer gave it. */
export interface Cited {
  /** Id of a passage: its file and the place in it. 1 to 8192 characters. */
  chunkId: string;
  /** SHA-256 of the passage's text, in hexadecimal. */
  contentHash: string;
}

/** A sentence of the answer, and whether the places that it cites say the same. */
export interface Claim {
  /** The sentence. */
  text: string;
  /** Numbers of the citations that it names. */
  citations: number[];
  /** Whether they bear it out. */
  support: 'supported' | 'weak' | 'unsupported';
  /** From 0 to 1: the better of shared words and likeness of meaning. */
  score: number;
}

/** Name and version of the client; LSP's own `clientInfo` serves as well. */
export interface ClientInfo {
  /** Its name. 1 to 200 characters. */
  name: string;
  /** Its version. At most 200 characters. */
  version?: string | null;
}

/** A tool that the client runs. */
export interface ClientTool {
  /** Not the name of a tool of the daemon. */
  name: string;
  /** What it does, for the model. 1 to 4000 characters. */
  description: string;
  /** JSON Schema of its arguments: an object. */
  inputSchema: Record<string, JsonValue>;
  /** Tools that write or run ask for an approval. */
  class: 'read' | 'write' | 'exec';
}

/** A summary that stands for everything before it when the model is asked. */
export interface Compaction {
  /** Stable: the same in events, in the session and after a restart. */
  id: string;
  /** Id of a turn. 1 to 64 characters. */
  turnId: string;
  /** Sequence number of the newest durable event about the item. */
  seq: number;
  /** How it stands; cancelled and interrupted items keep what there was. */
  status: 'inProgress' | 'completed' | 'failed' | 'cancelled' | 'interrupted';
  /** ISO 8601, UTC. */
  createdAt: string;
  /** What the item is. */
  kind: 'compaction';
  /** The summary. */
  text: string;
  /** What making it took. */
  usage?: Usage;
}

/** State of one component as its probe found it. */
export interface ComponentHealth {
  /** Stable name of the component, e.g. `storage` or `node`. */
  name: string;
  /** How it is; `disabled` by a setting, `pending` until its first probe ends. */
  status: 'ok' | 'degraded' | 'failed' | 'disabled' | 'pending';
  /** What the probe found, for people. */
  detail: string;
  /** What still works although the component does not. */
  works?: string[];
  /** How long the probe took, in milliseconds; nothing while `pending`. */
  latencyMs?: number;
  /** How long ago the probe ended, in seconds. */
  ageSeconds?: number;
}

/** An option that was not taken over, and why. */
export interface ConfigWarning {
  /** Group and name as given. */
  key: string;
  /** Where it comes from. */
  source: 'environment' | 'userFile' | 'repositoryFile' | 'client';
  /** What is wrong with it. */
  message: string;
}

/** How many entities of a type have something that they should have. */
export interface Coverage {
  /** Stable name, e.g. `feature-without-stories`. */
  code: string;
  /** What is counted, for people. */
  title: string;
  /** The type that should have it. */
  type: string;
  /** Entities of the type. */
  total: number;
  /** Ids of those that lack it. */
  missing: string[];
}

/** A file to be made (LSP 3.17). */
export interface CreateFile {
  /** Which kind of change it is. */
  kind: 'create';
  /** The new file. */
  uri: string;
}

/** A file to be removed (LSP 3.17). */
export interface DeleteFile {
  /** Which kind of change it is. */
  kind: 'delete';
  /** The file to remove. */
  uri: string;
}

/** A fact between two entities, in the direction of its relation. */
export interface Edge {
  /** Id of the entity that the fact starts from. */
  source: string;
  /** Id of the entity that it leads to. */
  target: string;
  /** Name of the relation, e.g. `has-story`. */
  rel: string;
  /** Given where the request asks for them. */
  statements?: Statement[];
}

/** An entity of the repository. */
export interface EntityAttachment {
  /** What is attached. */
  kind: 'entity';
  /** Id of an entity, e.g. `FEAT-001`. 1 to 200 characters. */
  id: string;
}

/** One entity in a list. */
export interface EntitySummary {
  /** Its id. */
  id: string;
  /** Its type, e.g. `feature`. */
  type: string;
  /** Its title or name. */
  title?: string;
  /** Its status. */
  status?: string;
  /** Path relative to the repository, with forward slashes. 1 to 4096 characters. */
  path: string;
}

/** `data` of every error answer. */
export interface ErrorData {
  /** Stable name of the error. */
  code: 'parse_error' | 'invalid_request' | 'method_not_found' | 'invalid_params' | 'internal_error' | 'not_initialized' | 'cancelled' | 'content_modified' | 'request_failed' | 'invalid_argument' | 'not_found' | 'already_exists' | 'path_not_allowed' | 'content_rejected' | 'conflict' | 'storage_error' | 'not_trusted' | 'capability_disabled' | 'degraded' | 'process_failed' | 'limit_exceeded' | 'overloaded' | 'deadline_exceeded' | 'unsupported_protocol' | 'rate_limited' | 'provider_error' | 'provider_unavailable' | 'secret_unavailable' | 'budget_exceeded' | 'context_too_long' | 'denied' | 'generation_failed' | 'client_failed';
  /** Whether the same request may succeed later. */
  retryable: boolean;
  /** When to try again, in milliseconds. */
  retryAfterMs?: number;
  /** Id of the request, or of the log entry. */
  requestId?: number | string;
  /** What a client can act on; differs from code to code. */
  details: Record<string, JsonValue>;
}

/** Something that went wrong; if other items follow, the turn went on. */
export interface ErrorItem {
  /** Stable: the same in events, in the session and after a restart. */
  id: string;
  /** Id of a turn. 1 to 64 characters. */
  turnId: string;
  /** Sequence number of the newest durable event about the item. */
  seq: number;
  /** How it stands; cancelled and interrupted items keep what there was. */
  status: 'inProgress' | 'completed' | 'failed' | 'cancelled' | 'interrupted';
  /** ISO 8601, UTC. */
  createdAt: string;
  /** What the item is. */
  kind: 'error';
  /** What it was. */
  failure: Failure;
}

/** What went wrong, in the terms of the protocol's errors. */
export interface Failure {
  /** Stable name of the error. */
  code: string;
  /** What happened, for people. */
  message: string;
  /** Whether the same may succeed later. Default: `false`. */
  retryable?: boolean;
  /** When to try again, in milliseconds. */
  retryAfterMs?: number;
}

/** A field whose meaning changed. */
export interface FieldChange {
  /** Map keys and list indexes from the root of the document. At most 64 items. */
  path: (string | number)[];
  /** What happened to it. */
  kind: 'added' | 'removed' | 'changed' | 'moved';
  /** Its value before. */
  old?: JsonValue;
  /** Its value now. */
  new?: JsonValue;
}

/** A file of the repository. */
export interface FileAttachment {
  /** What is attached. */
  kind: 'file';
  /** Path relative to the repository, with forward slashes. 1 to 4096 characters. */
  path: string;
}

/** Something a person should know about the repository. */
export interface Finding {
  /** Stable code, e.g. `reference.unresolved`. */
  code: string;
  /** How much it matters. */
  severity: 'error' | 'warning' | 'information' | 'hint';
  /** What is wrong, for people. */
  message: string;
  /** Where it is. */
  location: Location;
  /** Id of the entity that it is about. */
  entity?: string;
  /** Path of the value that it is about. At most 64 items. */
  field?: (string | number)[];
  /** Other places that explain it. */
  related: Related[];
  /** What would mend it, the most likely first. */
  fixes: Fix[];
}

/** A consistency rule that a change sets off. */
export interface FiredRule {
  /** Id of the rule. */
  rule: string;
  /** Id of the changed entity. */
  entity: string;
  /** `possible` where the changed fields aren't known. */
  certainty: 'certain' | 'possible';
  /** How much it matters. */
  severity: 'error' | 'warning' | 'information' | 'hint';
  /** Why it fires, for people. */
  reason: string;
  /** The fields of the rule that changed; if possible, those that it watches. */
  fields: string[];
  /** Ids of the entities that it marks for review. */
  marks: string[];
  /** The status that the rule asks for. */
  status: string;
}

/** What would mend a finding. */
export interface Fix {
  /** What it does, for people. */
  title: string;
  /** Another file than the finding's. 1 to 4096 characters. */
  file?: string;
  /** Where the value belongs; an index one past the end of a list appends. At most 64 items. */
  path?: (string | number)[];
  /** The value to put there. */
  value?: JsonValue;
  /** Id of an entity to be made instead. */
  creates?: string;
  /** What is to be taken away instead. At most 64 items. */
  removes?: (string | number)[];
  /** A key whose name is to be the value instead. At most 64 items. */
  renames?: (string | number)[];
}

/** Something that is missing, and what to do about it. */
export interface Gap {
  /** Stable name. */
  code: string;
  /** What is missing. */
  message: string;
  /** What to do about it. */
  recommendation: string;
  /** Ids of the entities that it is about. */
  entities: string[];
}

/** Where something generated came from. */
export interface Generation {
  /** Id of a generation. 1 to 64 characters. */
  id: string;
  /** What was made. */
  kind: 'spec' | 'prompt' | 'code' | 'entity';
  /** How it ended. */
  outcome: 'succeeded' | 'failed' | 'cancelled';
  /** Why it failed. */
  failure?: Failure;
  /** Id of the repository. */
  repository: string;
  /** Id of the entity that was made or that it is about. */
  entity?: string;
  /** ISO 8601, UTC. */
  createdAt: string;
  /** How long it took, in milliseconds. */
  durationMs: number;
  /** Id of the request, as in logs and in the provider's headers. */
  requestId: string;
  /** What was asked for. */
  parameters: Record<string, JsonValue>;
  /** Who answered; nothing where no model was asked. */
  provider?: string;
  /** The model that answered. */
  model?: string;
  /** The answer came from the daemon's own cache. */
  cached: boolean;
  /** What all calls took. */
  usage: Usage;
  /** How often the model had to mend its answer. */
  repairs: number;
  template?: UsedTemplate;
  /** What it was made from. */
  inputs: Input[];
  /** What it makes or changes. */
  files: WrittenFile[];
}

/** `initializationOptions.ckit`; a plain LSP client leaves it out. */
export interface InitializeOptions {
  /** Who the client is; before LSP's own `clientInfo`. */
  clientInfo?: ClientInfo | null;
  /** Protocol versions that the client speaks, the preferred one first. Default: `["1.0"]`. At most 50 items. */
  protocolVersions?: string[];
  /** Settings by group and name; a bad one is reported and falls back. Default: `{}`. */
  config?: Record<string, JsonValue>;
  /** The client vouches for the workspace's own code: scripts may run, each after `confirm`. Default: `false`. */
  trusted?: boolean;
  /** Requests of the daemon that the client answers, e.g. `ckit/approval/request`; others never come. Default: `[]`. At most 100 items. */
  answers?: string[];
  /** The client also wants the methods marked `experimental`, which may still change. Default: `false`. */
  experimental?: boolean;
}

/** Something that a generation was made from. */
export interface Input {
  /** What it is. */
  kind: 'entity' | 'file';
  /** Id of the entity. */
  id?: string;
  /** Path relative to the repository, with forward slashes. 1 to 4096 characters. */
  path: string;
  /** Hash of the file's text at that time. */
  sha256: string;
  /** Why it was used, for people; older records don't say. */
  reason?: string;
  /** What became of it since. */
  state: 'fresh' | 'changed' | 'gone';
}

/** Insert a value into a list, before the item at a path. */
export interface InsertValue {
  /** Map keys and list indexes from the root of the document. At most 64 items. */
  path: (string | number)[];
  /** The new item. */
  insert: JsonValue;
}

/** Something to do about one entity. */
export interface Issue {
  /** Id of the entity. */
  entity: string;
  /** needs-review: look at it again; dangling: it names something that is gone. */
  kind: 'needs-review' | 'dangling';
  /** How much it matters. */
  severity: 'error' | 'warning' | 'information' | 'hint';
  /** `possible` where the changed fields are not known. */
  certainty: 'certain' | 'possible';
  /** What is to be done, for people. */
  message: string;
  /** Why. */
  reason: string;
  /** How. */
  suggestedAction: string;
  /** Id of what changed. */
  source: string;
  /** Id of the rule that asks for it. */
  rule?: string;
  /** Where. */
  location: Location;
}

/** What a turn is made of. */
export type Item = UserMessage | AssistantMessage | Reasoning | ToolCall | ApprovalItem | UsageItem | ErrorItem | Compaction;

/** The item as it stays: it counts, whatever the deltas said. */
export interface ItemCompleted {
  /** Id of a session. 1 to 64 characters. */
  sessionId: string;
  /** Id of a turn. 1 to 64 characters. */
  turnId: string;
  /** Of the session's newest durable event; a delta is not durable and repeats it. */
  seq: number;
  /** What happened. */
  type: 'itemCompleted';
  /** The item. */
  item: Item;
}

/** More text of an item in progress. */
export interface ItemDelta {
  /** Id of a session. 1 to 64 characters. */
  sessionId: string;
  /** Id of a turn. 1 to 64 characters. */
  turnId: string;
  /** Of the session's newest durable event; a delta is not durable and repeats it. */
  seq: number;
  /** What happened. */
  type: 'itemDelta';
  /** The item. */
  itemId: string;
  /** Where the text belongs, in code points. */
  offset: number;
  /** To be put there. */
  text: string;
}

/** An item is on disk and in progress. */
export interface ItemStarted {
  /** Id of a session. 1 to 64 characters. */
  sessionId: string;
  /** Id of a turn. 1 to 64 characters. */
  turnId: string;
  /** Of the session's newest durable event; a delta is not durable and repeats it. */
  seq: number;
  /** What happened. */
  type: 'itemStarted';
  /** The item. */
  item: Item;
}

/** Limits that a client should know. */
export interface Limits {
  /** Largest message in either direction. */
  maxMessageBytes: number;
  /** Requests that run at a time. */
  maxConcurrent: number;
  /** Requests that may wait. */
  maxQueued: number;
  /** Time for a request, waiting included. */
  requestTimeoutSeconds: number;
}

/** A range in a file of the repository. */
export interface Location {
  /** Path relative to the repository, with forward slashes. 1 to 4096 characters. */
  path: string;
  /** Where in the file. */
  range: Range;
}

/** One entry in a list. */
export interface LogSummary {
  /** What to get it by. */
  id: string;
  /** Path relative to the repository, with forward slashes. 1 to 4096 characters. */
  path: string;
  /** ISO 8601. */
  timestamp?: string;
  /** What was asked for. */
  requestType?: string;
  /** How it ended. */
  status?: string;
  /** Id of the specification that came out. */
  specId?: string;
  /** Ids of the entities that it is about. */
  entities: string[];
  /** How the file breaks its schema or JSON itself; nobody else checks it. */
  problems: string[];
}

/** A place in an entity that fits the query. */
export interface Match {
  /** Path of the value that it is in. At most 64 items. */
  field: (string | number)[];
  /** The text around the match. */
  excerpt: string;
  /** Where the match begins in the excerpt, in code points. */
  start: number;
  /** Where it ends in the excerpt, in code points. */
  end: number;
  /** Where the match stands in the file. */
  range: Range;
}

/** One available method. */
export interface MethodDescription {
  /** Name on the wire. */
  name: string;
  /** A notification has no answer. */
  kind: 'request' | 'notification';
  /** Who sends it. */
  direction: 'clientToServer' | 'serverToClient' | 'both';
  /** See "Versions and stability". */
  stability: 'stable' | 'experimental';
}

/** Requests of one method with one outcome. */
export interface MethodMetrics {
  /** Name of the method. */
  method: string;
  /** `ok` or the code of the error. */
  outcome: string;
  /** Requests. */
  count: number;
  /** Time for all of them. */
  totalSeconds: number;
  /** Time for the longest. */
  maxSeconds: number;
}

/** A model that a provider offers. */
export interface Model {
  /** Its name at the provider; on Azure the deployment's. */
  name: string;
  /** Size of its context, where it is known. */
  contextTokens?: number;
  /** How it uses tools. */
  toolMode: 'native' | 'schema' | 'none';
  /** US dollars for a million tokens, where known. */
  inputPrice?: number;
  /** US dollars for a million tokens, where known. */
  outputPrice?: number;
}

/** Calls of one model with one outcome. */
export interface ModelMetrics {
  /** Name of the provider. */
  provider: string;
  /** Name of the model. */
  model: string;
  /** `ok`, `cancelled` or the code of the error. */
  outcome: string;
  /** Calls. */
  count: number;
  /** Time for all of them. */
  totalSeconds: number;
  /** Tokens of their input. */
  inputTokens: number;
  /** Tokens of their output. */
  outputTokens: number;
  /** US dollars; calls of models without a known price add nothing. */
  cost: number;
}

/** A pipeline and whether it can run now. */
export interface Pipeline {
  /** What to run it by. */
  name: string;
  /** native: built in; script: of `package.json`. */
  engine: 'native' | 'script';
  /** What it does; of a script, its command line. */
  description: string;
  /** Whether it can run now. */
  available: boolean;
  /** Why it can't run, and what to do. */
  reason?: string;
}

/** A place in a document (LSP 3.17): 0-based line, and character in units of the negotiated encoding. */
export interface Position {
  /** 0-based. */
  line: number;
  /** 0-based, in units of the negotiated encoding. */
  character: number;
}

/** A provider of models and how it is. */
export interface Provider {
  /** Name of a provider in the settings. 1 to 60 characters. */
  name: string;
  /** Which protocol it speaks. */
  kind: 'offline' | 'openai' | 'azure' | 'ollama' | 'local';
  /** unconfigured: something is missing, e.g. a key; unavailable: left alone after failures. */
  status: 'ready' | 'unconfigured' | 'unavailable';
  /** Why it is not ready, and what to do. */
  reason?: string;
  /** Where it is; nothing for providers in this process. */
  baseUrl?: string;
  /** Where its key comes from; nothing where it needs none. */
  keySource?: 'env' | 'keyring' | 'client';
  /** open: left alone after failures; halfOpen: about to be tried again. */
  circuit: 'closed' | 'open' | 'halfOpen';
  /** How its models use tools; schema: through constrained JSON. */
  toolMode: 'native' | 'schema' | 'none';
  /** What the settings use it for. */
  purposes: ('chat' | 'generation' | 'embeddings')[];
}

/** A passage that answers a query. */
export interface RagHit {
  /** Id of a passage: its file and the place in it. 1 to 8192 characters. */
  chunkId: string;
  /** What it is part of. */
  kind: 'entity' | 'markdown' | 'note' | 'specLog';
  /** Where it stands. */
  location: Location;
  /** Path of the value in its document; for Markdown the headings above it. At most 64 items. */
  field: (string | number)[];
  /** What it is about, for people. */
  heading: string;
  /** What it says; what looks like a secret is masked. */
  text: string;
  /** SHA-256 of the passage's text, in hexadecimal. */
  contentHash: string;
  /** Id of the entity that it belongs to. */
  entity?: string;
  /** Type of that entity. */
  type?: string;
  /** Status of that entity. */
  status?: string;
  /** Ids of the entities that a note or log entry is about. */
  mentions?: string[];
  /** From 0 to 1, comparable between queries: the sum of `score * weight` of its parts. */
  score: number;
  /** Whether the score is above what unrelated passages reach. */
  relevant: boolean;
  /** Where the score comes from. */
  parts: ScorePart[];
}

/** A half-open stretch of a document (LSP 3.17). */
export interface Range {
  /** First position. */
  start: Position;
  /** The position after the last one. */
  end: Position;
}

/** What the model thought, where it tells. */
export interface Reasoning {
  /** Stable: the same in events, in the session and after a restart. */
  id: string;
  /** Id of a turn. 1 to 64 characters. */
  turnId: string;
  /** Sequence number of the newest durable event about the item. */
  seq: number;
  /** How it stands; cancelled and interrupted items keep what there was. */
  status: 'inProgress' | 'completed' | 'failed' | 'cancelled' | 'interrupted';
  /** ISO 8601, UTC. */
  createdAt: string;
  /** What the item is. */
  kind: 'reasoning';
  /** Markdown. */
  text: string;
}

/** What became of one part that could go into the prompt. */
export interface Receipt {
  /** What it is for the prompt. */
  part: 'instructions' | 'specification' | 'feature' | 'story' | 'constitution' | 'stack' | 'domain' | 'project' | 'guidance' | 'neighbour';
  /** What it is, for people. */
  title: string;
  /** Id of the entity. */
  id?: string;
  /** The file that it was read from. 1 to 4096 characters. */
  path?: string;
  /** How much of it is in the prompt. */
  state: 'whole' | 'cut' | 'left-out';
  /** Tokens of it in the prompt. */
  tokens: number;
  /** Tokens of all of it. */
  ofTokens: number;
  /** Why it is there, or why not. */
  reason: string;
}

/** A second place that explains a finding. */
export interface Related {
  /** The other place. */
  location: Location;
  /** What it has to do with the finding. */
  message: string;
}

/** A fact as seen from one entity. */
export interface Relation {
  /** Name of the relation, e.g. `has-story`. */
  rel: string;
  /** `out` where the entity is the fact's source. */
  direction: 'out' | 'in' | 'both';
  /** The other end. */
  entity: EntitySummary;
  /** The places that state it. */
  statements: Statement[];
}

/** Facts of one relation. */
export interface RelationCount {
  /** Name of the relation. */
  rel: string;
  /** Facts, each counted once. */
  edges: number;
  /** Places that state them; two for a fact that both sides state. */
  statements: number;
}

/** Remove the key or item at a path. */
export interface RemoveValue {
  /** Map keys and list indexes from the root of the document. At most 64 items. */
  path: (string | number)[];
  /** Tells this change from the others. */
  remove: true;
}

/** A file to be renamed (LSP 3.17). */
export interface RenameFile {
  /** Which kind of change it is. */
  kind: 'rename';
  /** The file as it is called. */
  oldUri: string;
  /** Its new name. */
  newUri: string;
}

/** An open repository. */
export interface RepositoryInfo {
  /** Short stable name; the same folder has the same id in every run. */
  id: string;
  /** Name of the folder. */
  name: string;
  /** The folder, its symbolic links resolved. */
  rootUri: string;
  /** Grows with every change that the daemon has seen. */
  version: number;
  /** Entities in it. */
  entities: number;
  /** Files that were read. */
  files: number;
  /** Whether the folder is under Git. */
  git: boolean;
  /** Commit that is checked out. */
  head?: string;
  /** Whether the repository's own scripts may run. */
  trusted: boolean;
  /** Whether the daemon watches the folder itself. */
  watching: boolean;
  /** Files whose unsaved editor text lies over the disk. */
  unsaved: string[];
}

/** What one way of looking contributed to a hit's score. */
export interface ScorePart {
  /** The way of looking. */
  source: 'exactId' | 'lexical' | 'vector' | 'graph' | 'rerank';
  /** From 0 to 1, in the source's own calibration. */
  score: number;
  /** How much it counted. */
  weight: number;
  /** For people: the words that fit, the similarity, the edge that was followed. */
  why: string;
}

/** An entity that fits the query. */
export interface SearchHit {
  /** The entity. */
  entity: EntitySummary;
  /** Comparable within one answer only. */
  score: number;
  /** Where it fits. */
  matches: Match[];
}

/** Searches of passages in one mode. */
export interface SearchMetrics {
  /** How they were really done: `hybrid`, `lexical` or `vector`. */
  mode: string;
  /** Searches. */
  count: number;
  /** Of these, how many could not be done as asked. */
  degraded: number;
  /** Time for all of them. */
  totalSeconds: number;
}

/** Lines that the person has selected, as the editor shows them. */
export interface SelectionAttachment {
  /** What is attached. */
  kind: 'selection';
  /** Path relative to the repository, with forward slashes. 1 to 4096 characters. */
  path: string;
  /** 0-based. At least 0. */
  startLine: number;
  /** 0-based, included. At least 0. */
  endLine: number;
  /** The lines. At most 200000 characters. */
  text: string;
}

/** A conversation about one repository. */
export interface Session {
  /** Id of a session. 1 to 64 characters. */
  id: string;
  /** Id of the repository. */
  repository: string;
  /** What it is about. */
  title: string;
  /** general: answers and acts; improvement: looks for what could be better; clarification: asks back before it answers, and has no tools that change or run anything. */
  mode: 'general' | 'improvement' | 'clarification';
  /** Nothing: as the settings say. 3 to 300 characters. */
  model?: string;
  /** ISO 8601, UTC. */
  createdAt: string;
  /** ISO 8601, UTC. */
  updatedAt: string;
  /** Whether it is put away. Default: `false`. */
  archived?: boolean;
  /** Sequence number of the newest durable event. */
  lastSeq: number;
  /** How many turns it has. */
  turns: number;
  /** What all turns took. */
  usage: Usage;
  /** The most that it may take. */
  budget?: Budget;
  /** The client's own tools. Default: `[]`. */
  tools?: ClientTool[];
  /** The session that it is a copy of. 1 to 64 characters. */
  forkedFrom?: string;
  /** The turn that runs now, in whatever daemon. 1 to 64 characters. */
  runningTurn?: string;
}

/** Put a value at a path. */
export interface SetValue {
  /** Map keys and list indexes from the root of the document. At most 64 items. */
  path: (string | number)[];
  /** The new value. */
  value: JsonValue;
}

/** One effective setting. */
export interface Setting {
  /** Group and name. */
  key: string;
  /** The value in force; secrets appear as a reference only. */
  value: JsonValue;
  /** Where the value comes from. */
  source: 'default' | 'environment' | 'userFile' | 'repositoryFile' | 'client';
  /** What it does. */
  description: string;
}

/** An entity that may no longer be right. */
export interface StaleEntity {
  /** The entity. */
  entity: EntitySummary;
  /** Id of the change that reaches it. */
  origin: string;
  /** How much it matters. */
  severity: 'error' | 'warning' | 'information' | 'hint';
  /** The facts from the change to it. */
  via: Edge[];
}

/** A place that states a fact. */
export interface Statement {
  /** Id of the entity that states it. */
  entity: string;
  /** Where it states it. */
  location: Location;
}

/** Edits of one document (LSP 3.17). */
export interface TextDocumentEdit {
  /** Which document. */
  textDocument: VersionedDocument;
  /** Edits that do not overlap, all of them about the text as it was. */
  edits: TextEdit[];
}

/** A replacement in a document (LSP 3.17). */
export interface TextEdit {
  /** What is replaced. */
  range: Range;
  /** What stands there afterwards. */
  newText: string;
}

/** A tool and whether it can run now. */
export interface Tool {
  /** What to run it by. */
  name: string;
  /** What it does; the model reads the same. */
  description: string;
  /** What it may do: read, change files, run programs. */
  class: 'read' | 'write' | 'exec';
  /** JSON Schema (2020-12) of its arguments. */
  inputSchema: Record<string, JsonValue>;
  /** Who runs it. */
  source: 'daemon' | 'client';
  /** Whether it can run now. */
  status: 'available' | 'degraded' | 'disabled';
  /** Why it is not available, or what it lacks. */
  reason?: string;
}

/** A tool that the model asked for, and what came of it. */
export interface ToolCall {
  /** Stable: the same in events, in the session and after a restart. */
  id: string;
  /** Id of a turn. 1 to 64 characters. */
  turnId: string;
  /** Sequence number of the newest durable event about the item. */
  seq: number;
  /** How it stands; cancelled and interrupted items keep what there was. */
  status: 'inProgress' | 'completed' | 'failed' | 'cancelled' | 'interrupted';
  /** ISO 8601, UTC. */
  createdAt: string;
  /** What the item is. */
  kind: 'toolCall';
  /** The tool. */
  name: string;
  /** What it was called with. Default: `{}`. */
  arguments?: Record<string, JsonValue>;
  /** What it may do: read, change files, run programs. */
  class: 'read' | 'write' | 'exec';
  /** The message that asked for it. */
  messageId?: string;
  /** How it went. */
  result?: 'ok' | 'error' | 'denied' | 'cancelled';
  /** The result as the model reads it. Default: `""`. */
  text?: string;
  /** The result for programs. */
  output?: JsonValue;
  /** Whether the text was cut. Default: `false`. */
  truncated?: boolean;
  /** How long it took, approval excluded. */
  durationMs?: number;
  /** What models did for it took, where it had them write. */
  usage?: Usage;
}

/** Runs of one tool with one status. */
export interface ToolMetrics {
  /** Name of the tool. */
  tool: string;
  /** `ok`, `error`, `denied` or `cancelled`. */
  status: string;
  /** Runs. */
  count: number;
  /** Time for all of them. */
  totalSeconds: number;
}

/** One message of the person and all that the assistant did about it. */
export interface Turn {
  /** Id of a turn. 1 to 64 characters. */
  id: string;
  /** Id of a session. 1 to 64 characters. */
  sessionId: string;
  /** 1-based. */
  number: number;
  /** interrupted: the daemon died meanwhile; `ckit/turn/start` with `resume` goes on. */
  status: 'running' | 'completed' | 'interrupted';
  /** Why it ended. */
  stopReason?: 'endTurn' | 'maxTokens' | 'maxToolCalls' | 'refusal' | 'cancelled' | 'budget' | 'error';
  /** general: answers and acts; improvement: looks for what could be better; clarification: asks back before it answers, and has no tools that change or run anything. */
  mode: 'general' | 'improvement' | 'clarification';
  /** `provider/model` that answered last. */
  model: string;
  /** ISO 8601, UTC. */
  startedAt: string;
  /** Nothing while it runs. */
  endedAt?: string;
  /** What it took. */
  usage: Usage;
  /** Why it stopped with `error`. */
  failure?: Failure;
}

/** The turn is over and on disk; no event of it follows. */
export interface TurnCompleted {
  /** Id of a session. 1 to 64 characters. */
  sessionId: string;
  /** Id of a turn. 1 to 64 characters. */
  turnId: string;
  /** Of the session's newest durable event; a delta is not durable and repeats it. */
  seq: number;
  /** What happened. */
  type: 'turnCompleted';
  /** The turn. */
  turn: Turn;
}

/** What happens in a turn. */
export type TurnEvent = TurnStarted | ItemStarted | ItemDelta | ItemCompleted | TurnCompleted;

/** A turn began, or goes on after an interruption. */
export interface TurnStarted {
  /** Id of a session. 1 to 64 characters. */
  sessionId: string;
  /** Id of a turn. 1 to 64 characters. */
  turnId: string;
  /** Of the session's newest durable event; a delta is not durable and repeats it. */
  seq: number;
  /** What happened. */
  type: 'turnStarted';
  /** The turn. */
  turn: Turn;
}

/** Entities of one type. */
export interface TypeCount {
  /** Name of the type. */
  type: string;
  /** Its entities. */
  count: number;
  /** Entities by status, the most frequent status first. */
  statuses: Record<string, number>;
  /** Those without a status. */
  withoutStatus: number;
  /** Entities known by their id only, because their file can't be read. */
  unreadable: number;
}

/** What model calls took. */
export interface Usage {
  /** Tokens of the input. */
  inputTokens: number;
  /** Tokens of the output. */
  outputTokens: number;
  /** Input that the provider had cached. Default: `0`. */
  cachedInputTokens?: number;
  /** Output that was thought and not said. Default: `0`. */
  reasoningTokens?: number;
  /** US dollars; nothing where the price is not known. */
  cost?: number;
  /** The counts are ours, because the provider gave none. Default: `false`. */
  estimated?: boolean;
  /** The answer came from the daemon's own cache and cost nothing. Default: `false`. */
  cached?: boolean;
}

/** What the turn took, at its end. */
export interface UsageItem {
  /** Stable: the same in events, in the session and after a restart. */
  id: string;
  /** Id of a turn. 1 to 64 characters. */
  turnId: string;
  /** Sequence number of the newest durable event about the item. */
  seq: number;
  /** How it stands; cancelled and interrupted items keep what there was. */
  status: 'inProgress' | 'completed' | 'failed' | 'cancelled' | 'interrupted';
  /** ISO 8601, UTC. */
  createdAt: string;
  /** What the item is. */
  kind: 'usage';
  /** All model calls of the turn. */
  usage: Usage;
}

/** The template that gave the form. */
export interface UsedTemplate {
  /** Its name. */
  name: string;
  /** Its file; nothing for the daemon's own ones. 1 to 4096 characters. */
  path?: string;
  /** Hash of its text at that time. */
  sha256: string;
  /** What became of it since. */
  state: 'fresh' | 'changed' | 'gone';
}

/** What the person said. */
export interface UserMessage {
  /** Stable: the same in events, in the session and after a restart. */
  id: string;
  /** Id of a turn. 1 to 64 characters. */
  turnId: string;
  /** Sequence number of the newest durable event about the item. */
  seq: number;
  /** How it stands; cancelled and interrupted items keep what there was. */
  status: 'inProgress' | 'completed' | 'failed' | 'cancelled' | 'interrupted';
  /** ISO 8601, UTC. */
  createdAt: string;
  /** What the item is. */
  kind: 'userMessage';
  /** Their words. */
  text: string;
  /** What they pointed at. Default: `[]`. */
  attachments?: Attachment[];
  /** Said while the turn ran. Default: `false`. */
  steering?: boolean;
}

export interface VersionedDocument {
  /** The file. */
  uri: string;
  /** Version of the open document that the edit was made for; null: the file on disk. */
  version: number | null;
}

/** Changes that a client can show and apply (LSP 3.17). */
export interface WorkspaceEdit {
  /** To be carried out in this order. */
  documentChanges: (TextDocumentEdit | CreateFile | RenameFile | DeleteFile)[];
}

/** A file that a generation makes or changes. */
export interface WrittenFile {
  /** Path relative to the repository, with forward slashes. 1 to 4096 characters. */
  path: string;
  /** Hash of the generated text. */
  sha256: string;
  /** pending: not written yet; changed: somebody edited it since. */
  state: 'written' | 'changed' | 'gone' | 'pending' | 'undone';
}

/** Number in `error.code` of each string in `error.data.code`. */
export interface ErrorNumbers {
  parse_error: -32700;
  invalid_request: -32600;
  method_not_found: -32601;
  invalid_params: -32602;
  internal_error: -32603;
  not_initialized: -32002;
  cancelled: -32800;
  content_modified: -32801;
  request_failed: -32803;
  invalid_argument: -33000;
  not_found: -33001;
  already_exists: -33002;
  path_not_allowed: -33003;
  content_rejected: -33004;
  conflict: -33005;
  storage_error: -33006;
  not_trusted: -33007;
  capability_disabled: -33008;
  degraded: -33009;
  process_failed: -33010;
  limit_exceeded: -33011;
  overloaded: -33012;
  deadline_exceeded: -33013;
  unsupported_protocol: -33014;
  rate_limited: -33015;
  provider_error: -33016;
  provider_unavailable: -33017;
  secret_unavailable: -33018;
  budget_exceeded: -33019;
  context_too_long: -33020;
  denied: -33021;
  generation_failed: -33022;
  client_failed: -33023;
}

export type ErrorCode = keyof ErrorNumbers;

/** Requests that a host sends. */
export interface Methods {
  /** Say whether the daemon and each of its components work. */
  'ckit/health': { params: HealthParams; result: HealthResult };
  /** Return counters, latencies and gauges, structured and as Prometheus text. */
  'ckit/metrics': { params: NoParams; result: MetricsResult };
  /** Return the methods, features and limits of this session. */
  'ckit/capabilities': { params: NoParams; result: Capabilities };
  /** Return each effective setting with its value, source and description. */
  'ckit/config/get': { params: ConfigGetParams; result: ConfigGetResult };
  /** Open a context repository and read it whole. */
  'ckit/repo/open': { params: RepoOpenParams; result: RepoOpenResult };
  /** Close a repository. */
  'ckit/repo/close': { params: RepoCloseParams; result: RepoCloseResult };
  /** List the open repositories. */
  'ckit/repo/list': { params: NoParams; result: RepoListResult };
  /** Describe what a repository holds and lacks. */
  'ckit/repo/inspect': { params: RepoInspectParams; result: RepoInspectResult };
  /** Find everything that is wrong in a repository. */
  'ckit/repo/validate': { params: RepoValidateParams; result: RepoValidateResult };
  /** Return the graph of entities, whole or in part. */
  'ckit/repo/graph': { params: RepoGraphParams; result: RepoGraphResult };
  /** Find how two entities are connected. */
  'ckit/repo/paths': { params: RepoPathsParams; result: RepoPathsResult };
  /** Show what a change breaks. */
  'ckit/repo/impact': { params: RepoImpactParams; result: RepoImpactResult };
  /** Return one entity with its relations and findings. */
  'ckit/entity/get': { params: EntityGetParams; result: EntityGetResult };
  /** List entities. */
  'ckit/entity/list': { params: EntityListParams; result: EntityListResult };
  /** Find entities by id, title, text and fields. */
  'ckit/entity/search': { params: EntitySearchParams; result: EntitySearchResult };
  /** Make a new entity. */
  'ckit/entity/create': { params: EntityCreateParams; result: EntityEditResult };
  /** Change fields of an entity. */
  'ckit/entity/update': { params: EntityUpdateParams; result: EntityEditResult };
  /** Give an entity a new id, everywhere. */
  'ckit/entity/rename': { params: EntityRenameParams; result: EntityEditResult };
  /** Remove an entity. */
  'ckit/entity/delete': { params: EntityDeleteParams; result: EntityEditResult };
  /** Read a text file of the repository. */
  'ckit/file/read': { params: FileReadParams; result: FileReadResult };
  /** Render the prompt of an entity from the repository's templates. */
  'ckit/prompt/render': { params: PromptRenderParams; result: PromptRenderResult };
  /** List the pipelines. */
  'ckit/pipeline/list': { params: PipelineListParams; result: PipelineListResult };
  /** Run a pipeline. */
  'ckit/pipeline/run': { params: PipelineRunParams; result: PipelineRunResult };
  /** List the providers of models, with what each is used for. */
  'ckit/provider/list': { params: NoParams; result: ProviderListResult };
  /** List the models that a provider really offers. */
  'ckit/provider/models': { params: ProviderModelsParams; result: ProviderModelsResult };
  /** Ask a provider for a few words, to see whether it works. */
  'ckit/provider/test': { params: ProviderTestParams; result: ProviderTestResult };
  /** Throw away all kept answers of models. */
  'ckit/provider/clearCache': { params: NoParams; result: ProviderClearCacheResult };
  /** Begin a session. */
  'ckit/session/create': { params: SessionCreateParams; result: SessionResult };
  /** List sessions. */
  'ckit/session/list': { params: SessionListParams; result: SessionListResult };
  /** Return a session with its turns and items, or what is new since a sequence number. */
  'ckit/session/get': { params: SessionGetParams; result: SessionGetResult };
  /** Give a session another title. */
  'ckit/session/rename': { params: SessionRenameParams; result: SessionResult };
  /** Copy a session up to a turn. */
  'ckit/session/fork': { params: SessionForkParams; result: SessionResult };
  /** Put a session away, or fetch it back. */
  'ckit/session/archive': { params: SessionArchiveParams; result: SessionResult };
  /** Delete a session with all that it holds. */
  'ckit/session/delete': { params: SessionIdParams; result: SessionDeleteResult };
  /** Return a session as one text. */
  'ckit/session/export': { params: SessionExportParams; result: SessionExportResult };
  /** Replace the history that the model gets by a summary. */
  'ckit/session/compact': { params: SessionCompactParams; result: SessionCompactResult };
  /** Say something in a session; the answer comes when the turn ends, its events as they happen. */
  'ckit/turn/start': { params: TurnStartParams; result: TurnResult };
  /** End the turn that runs; what was said so far stays. */
  'ckit/turn/cancel': { params: TurnCancelParams; result: TurnResult };
  /** Say something while a turn runs. */
  'ckit/turn/steer': { params: TurnSteerParams; result: TurnSteerResult };
  /** List the tools. */
  'ckit/tool/list': { params: ToolListParams; result: ToolListResult };
  /** Run a tool, with the approvals that it needs. */
  'ckit/tool/run': { params: ToolRunParams; result: ToolRunResult };
  /** List approvals. */
  'ckit/approval/list': { params: ApprovalListParams; result: ApprovalListResult };
  /** Answer an approval; the first answer counts, wherever it comes from. */
  'ckit/approval/resolve': { params: ApprovalResolveParams; result: ApprovalResolveResult };
  /** Have a model write a specification, streamed as Markdown, then an entity and a log entry. */
  'ckit/spec/generate': { params: SpecGenerateParams; result: SpecGenerateResult };
  /** Turn a specification into a prompt within a token budget, with receipts. */
  'ckit/spec/promptify': { params: SpecPromptifyParams; result: SpecPromptifyResult };
  /** List the log of generations. */
  'ckit/specLog/list': { params: SpecLogListParams; result: SpecLogListResult };
  /** Return one entry of that log. */
  'ckit/specLog/get': { params: SpecLogGetParams; result: SpecLogGetResult };
  /** Have a model write the code of a specification; nothing is written to disk. */
  'ckit/code/generate': { params: CodeGenerateParams; result: CodeGenerateResult };
  /** Write generated files, after an approval that shows the diff; all of them or none. */
  'ckit/code/apply': { params: CodeApplyParams; result: CodeChangedFiles };
  /** Take back what was written, unless somebody changed the files since. */
  'ckit/code/undo': { params: CodeUndoParams; result: CodeChangedFiles };
  /** Have a model make up an entity that fits the repository's schema. */
  'ckit/entity/generate': { params: EntityGenerateParams; result: EntityChange };
  /** Say what something generated was made from, and whether that has changed since. */
  'ckit/generation/explain': { params: GenerationExplainParams; result: GenerationExplainResult };
  /** Say how far the index is, and what it can do. */
  'ckit/rag/status': { params: RagStatusParams; result: RagStatusResult };
  /** Bring the index up to date, and answer when it is. */
  'ckit/rag/index': { params: RagIndexParams; result: RagStatusResult };
  /** Find passages by words and by meaning. */
  'ckit/rag/search': { params: RagSearchParams; result: RagSearchResult };
  /** Find passages like an entity or a text. */
  'ckit/rag/similar': { params: RagSimilarParams; result: RagSearchResult };
  /** Answer a question, streamed as Markdown, with citations that are checked. */
  'ckit/rag/query': { params: RagQueryParams; result: RagQueryResult };
  /** Say whether cited places still say the same. */
  'ckit/rag/check': { params: RagCheckParams; result: RagCheckResult };
  /** Delete the index of a repository, on a Chroma server for everybody who uses it; it is built again when needed. */
  'ckit/rag/clear': { params: RagClearParams; result: RagClearResult };
}

/** Requests that the daemon sends, where the host said so. */
export interface ClientMethods {
  /** Ask the person for a key that a setting refers to as `client:NAME`. */
  'ckit/secret/request': { params: SecretRequestParams; result: SecretRequestResult };
  /** Run a tool that the client gave a session. */
  'ckit/tool/call': { params: ToolCallParams; result: ToolCallResult };
  /** Ask the person whether something may be done. */
  'ckit/approval/request': { params: ApprovalRequestParams; result: ApprovalRequestResult };
}

/** Notifications. */
export interface Notifications {
  /** Files of a repository changed. */
  'ckit/repo/didChange': { params: RepoDidChangeParams };
  /** Something happened in a turn. */
  'ckit/turn/event': { params: TurnEventParams };
}

export type RequestMethod = keyof Methods;
export type NotificationMethod = keyof Notifications;
export type ParamsOf<M extends RequestMethod> = Methods[M]['params'];
export type ResultOf<M extends RequestMethod> = Methods[M]['result'];

/** What a host does about the daemon's requests; their names go into `InitializeOptions.answers`. */
export type ClientHandlers = {
  [M in keyof ClientMethods]?: (params: ClientMethods[M]['params']) => Promise<ClientMethods[M]['result']>;
};

/** `initializationOptions` of LSP's initialize. */
export interface InitializationOptions {
  ckit?: InitializeOptions;
}

/** `capabilities.experimental` in the answer to LSP's initialize. */
export interface ExperimentalCapabilities {
  ckit: Capabilities;
}
