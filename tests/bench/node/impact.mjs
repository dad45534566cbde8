// impact.mjs ROOT ID: the neighbours of one entity, and what the consistency rules ask of them.
import { answer, countBy, edgesOf, loadEntities, loadRules, reverseEdgesOf } from "./repository.mjs";

const [root, changedId] = process.argv.slice(2);
const ACTIONS = {
  feature: "Review and update implementation to align with feature changes",
  spec: "Review implementation against updated technical specifications",
  task: "Address blocking issues or adjust feature timeline",
  package: "Review transitive dependencies and update version constraints",
};

const entities = loadEntities(root);
const byId = new Map(entities.map((entity) => [entity.data.id, entity]));
const adjacency = new Map();
const connect = (from, to, rel) => {
  if (!adjacency.has(from)) adjacency.set(from, []);
  adjacency.get(from).push({ id: to, rel });
};
for (const entity of entities) {
  for (const { from, to, rel } of [...reverseEdgesOf(entity), ...edgesOf(entity)]) {
    connect(from, to, rel);
    connect(to, from, rel);
  }
}

const titleOf = ({ data }) => data.title ?? data.name;
const issues = [];
const changed = byId.get(changedId);
const neighbours = (adjacency.get(changedId) ?? []).filter(({ id }) => byId.has(id));
if (!changed) {
  issues.push({ id: changedId, type: "not-found", message: `Entity ${changedId} does not exist`, severity: "error" });
} else {
  for (const rule of loadRules(root).filter(({ when }) => when.entity === changed.type)) {
    const { types, rel, status, reason } = rule.then.markRelated;
    for (const neighbour of neighbours) {
      if (!types.includes(byId.get(neighbour.id).type) || (rel && neighbour.rel !== rel)) continue;
      issues.push({
        id: neighbour.id,
        type: status,
        message: `${changed.type} ${changedId} changed`,
        reason,
        suggestedAction: ACTIONS[changed.type],
        severity: rule.severity,
        ruleId: rule.id,
        sourceEntity: { id: changedId, type: changed.type, title: titleOf(changed) },
        hasGitDiff: false,
      });
    }
  }
}

const GAPS = {
  service: [
    [({ api }) => api?.version, "Service is missing API version metadata",
      "Add api.version to document the current contract version"],
  ],
  feature: [
    [({ specs }) => specs?.length, "Feature has no linked specs",
      "Link specifications that define how to implement this feature"],
    [({ tasks }) => tasks?.length, "Feature has no linked tasks",
      "Create tasks to plan the implementation for this feature"],
  ],
};
for (const id of [...(changed ? [changedId] : []), ...neighbours.map((neighbour) => neighbour.id)]) {
  const { type, data } = byId.get(id);
  for (const [isFilled, message, suggestedAction] of GAPS[type] ?? []) {
    if (!isFilled(data)) issues.push({ id, type: "insight", severity: "info", message, suggestedAction });
  }
}

const impactedIds = [...new Set(neighbours.map(({ id }) => id))];
answer({
  changedIds: [changedId],
  impactedIds,
  staleIds: impactedIds,
  issues,
  stats: {
    totalChanged: 1,
    totalImpacted: impactedIds.length,
    totalStale: impactedIds.length,
    totalIssues: issues.length,
    issuesByType: countBy(issues, ({ type }) => type),
  },
  impactedEntities: impactedIds.map((id) => {
    const entity = byId.get(id);
    return { id, type: entity.type, title: titleOf(entity), status: entity.data.status, isStale: true };
  }),
});
