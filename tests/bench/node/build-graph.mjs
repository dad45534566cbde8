// build-graph.mjs ROOT: every entity and every fact, with counts.
import { answer, countBy, edgesOf, loadEntities } from "./repository.mjs";

const entities = loadEntities(process.argv[2]);
const nodes = entities.map(({ type, data }) => ({ id: data.id, kind: type, data }));
const edges = entities.flatMap(edgesOf);
answer({
  nodes,
  edges,
  stats: {
    totalNodes: nodes.length,
    totalEdges: edges.length,
    nodesByType: countBy(nodes, ({ kind }) => kind),
    edgesByRel: countBy(edges, ({ rel }) => rel),
  },
});
