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
  /** The files; a client may leave them out to have all looked at. At most 100000 items. */
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

/** `error` of a JSON-RPC answer. */
export interface ErrorObject {
  /** Number of the error; rely on `data.code` instead. */
  code: -33014 | -33013 | -33012 | -33011 | -33010 | -33009 | -33008 | -33007 | -33006 | -33005 | -33004 | -33003 | -33002 | -33001 | -33000 | -32803 | -32801 | -32800 | -32700 | -32603 | -32602 | -32601 | -32600 | -32002;
  /** What happened, for people. */
  message: string;
  /** What happened, for programs. */
  data: ErrorData;
}

/** Append a value to the list at a path. */
export interface AppendValue {
  /** Map keys and list indexes from the root of the document. At most 64 items. */
  path: (string | number)[];
  /** The new last item. */
  append: JsonValue;
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

/** Name and version of the client; LSP's own `clientInfo` serves as well. */
export interface ClientInfo {
  /** Its name. 1 to 200 characters. */
  name: string;
  /** Its version. At most 200 characters. */
  version?: string | null;
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
  code: 'parse_error' | 'invalid_request' | 'method_not_found' | 'invalid_params' | 'internal_error' | 'not_initialized' | 'cancelled' | 'content_modified' | 'request_failed' | 'invalid_argument' | 'not_found' | 'already_exists' | 'path_not_allowed' | 'content_rejected' | 'conflict' | 'storage_error' | 'not_trusted' | 'capability_disabled' | 'degraded' | 'process_failed' | 'limit_exceeded' | 'overloaded' | 'deadline_exceeded' | 'unsupported_protocol';
  /** Whether the same request may succeed later. */
  retryable: boolean;
  /** When to try again, in milliseconds. */
  retryAfterMs?: number;
  /** Id of the request, or of the log entry. */
  requestId?: number | string;
  /** What a client can act on; differs from code to code. */
  details: Record<string, JsonValue>;
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
  /** The client also wants the methods marked `experimental`, which may still change. Default: `false`. */
  experimental?: boolean;
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

/** A half-open stretch of a document (LSP 3.17). */
export interface Range {
  /** First position. */
  start: Position;
  /** The position after the last one. */
  end: Position;
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

/** An entity that fits the query. */
export interface SearchHit {
  /** The entity. */
  entity: EntitySummary;
  /** Comparable within one answer only. */
  score: number;
  /** Where it fits. */
  matches: Match[];
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
}

export type ErrorCode = keyof ErrorNumbers;

/** Requests. */
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
}

/** Notifications. */
export interface Notifications {
  /** Files of a repository changed. */
  'ckit/repo/didChange': { params: RepoDidChangeParams };
}

export type RequestMethod = keyof Methods;
export type NotificationMethod = keyof Notifications;
export type ParamsOf<M extends RequestMethod> = Methods[M]['params'];
export type ResultOf<M extends RequestMethod> = Methods[M]['result'];

/** `initializationOptions` of LSP's initialize. */
export interface InitializationOptions {
  ckit?: InitializeOptions;
}

/** `capabilities.experimental` in the answer to LSP's initialize. */
export interface ExperimentalCapabilities {
  ckit: Capabilities;
}
