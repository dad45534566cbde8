// Reads a context repository as a pipeline of one process does: every file, on every call.
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";

const FOLDERS = {
  governance: "governance",
  features: "feature",
  userstories: "userstory",
  specs: "spec",
  tasks: "task",
  services: "service",
  packages: "package",
};

export const SCHEMA_NAMES = { governance: "constitution" };

const isYaml = (name) => name.endsWith(".yaml") || name.endsWith(".yml");

function listFiles(folder) {
  try {
    return readdirSync(folder, { recursive: true }).filter(isYaml).sort();
  } catch (error) {
    if (error.code === "ENOENT") return [];
    throw error;
  }
}

/** All entities, `{type, file, data}` each, in the order of the folders and then of the file names. */
export function loadEntities(root) {
  const entities = [];
  for (const [folder, type] of Object.entries(FOLDERS)) {
    for (const name of listFiles(join(root, "contexts", folder))) {
      const file = join("contexts", folder, name);
      entities.push({ type, file, data: parse(readFileSync(join(root, file), "utf8")) });
    }
  }
  return entities;
}

export function loadRules(root) {
  const folder = join(root, ".context", "rules");
  return listFiles(folder).flatMap((name) => parse(readFileSync(join(folder, name), "utf8")).rules ?? []);
}

const targetId = (reference) => reference.split("@")[0];

/** Every fact that an entity states about another one, `{from, to, rel}` each. */
export function edgesOf({ type, data }) {
  const edges = [];
  const out = (rel, ids) => (ids ?? []).forEach((id) => edges.push({ from: data.id, to: targetId(id), rel }));
  const into = (rel, ids) => (ids ?? []).forEach((id) => edges.push({ from: targetId(id), to: data.id, rel }));
  if (type === "feature") {
    out("has-story", data.userStories);
    out("has-spec", data.specs);
    out("has-task", data.tasks);
    out("requires", data.requires);
    out("produces", data.produces);
  } else if (type === "userstory") {
    out("impacts", data.impacts?.services);
    out("impacts", data.impacts?.packages);
  } else if (type === "spec") {
    out("relates-to", data.related?.services);
    out("relates-to", data.related?.packages);
  } else if (type === "task") {
    into("implements", data.related?.spec && [data.related.spec]);
    out("modifies", data.related?.service && [data.related.service]);
  } else if (type === "service") {
    out("depends-on", data.dependencies);
    into("uses", data.consumers);
  } else if (type === "package") {
    out("uses", data.uses?.services);
  }
  return edges;
}

/** The facts that only the far side states: a story's feature, a specification's features, a task's feature. */
export function reverseEdgesOf({ type, data }) {
  const into = (rel, ids) => (ids ?? []).map((id) => ({ from: id, to: data.id, rel }));
  if (type === "userstory") return into("has-story", data.feature && [data.feature]);
  if (type === "spec") return into("has-spec", data.related?.features);
  if (type === "task") return into("has-task", data.related?.feature && [data.related.feature]);
  return [];
}

export function countBy(items, key) {
  const counts = {};
  for (const item of items) counts[key(item)] = (counts[key(item)] ?? 0) + 1;
  return counts;
}

/** Print the answer. */
export function answer(value) {
  process.stdout.write(JSON.stringify(value, null, 2) + "\n");
}
