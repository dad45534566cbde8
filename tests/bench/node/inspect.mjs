// inspect.mjs ROOT: counts by type and status, relations, and what is missing.
import { answer, countBy, edgesOf, loadEntities, reverseEdgesOf } from "./repository.mjs";

const entities = loadEntities(process.argv[2]);
const edges = entities.flatMap((entity) => [...edgesOf(entity), ...reverseEdgesOf(entity)]);
const groupByType = (items) => {
  const groups = new Map();
  for (const item of items) {
    if (!groups.has(item.type)) groups.set(item.type, []);
    groups.get(item.type).push(item);
  }
  return groups;
};
const connected = new Set(edges.flatMap(({ from, to }) => [from, to]));
const lacking = (type, isEmpty) =>
  entities.filter((entity) => entity.type === type && isEmpty(entity.data)).map(({ data }) => data.id);
answer({
  total: entities.length,
  types: [...groupByType(entities)].map(([type, members]) => ({
    type,
    total: members.length,
    byStatus: countBy(members, ({ data }) => data.status ?? ""),
  })),
  relations: countBy(edges, ({ rel }) => rel),
  coverage: {
    "features-without-stories": lacking("feature", ({ userStories }) => !userStories?.length),
    "features-without-specs": lacking("feature", ({ specs }) => !specs?.length),
    "stories-without-criteria": lacking("userstory", ({ acceptanceCriteria }) => !acceptanceCriteria?.length),
    "specs-without-features": lacking("spec", ({ related }) => !related?.features?.length),
  },
  orphans: entities.filter(({ data }) => !connected.has(data.id)).map(({ data }) => data.id),
});
