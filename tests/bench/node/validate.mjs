// validate.mjs ROOT: schemas, references between features and what they list, and the constitution's rules.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import Ajv from "ajv";
import addFormats from "ajv-formats";
import { SCHEMA_NAMES, answer, countBy, loadEntities } from "./repository.mjs";

const root = process.argv[2];
const ajv = addFormats(new Ajv({ allErrors: true, strict: false }));
const validators = new Map();
function validatorFor(type) {
  if (!validators.has(type)) {
    const path = join(root, ".context", "schemas", `${SCHEMA_NAMES[type] ?? type}.schema.json`);
    validators.set(type, ajv.compile(JSON.parse(readFileSync(path, "utf8"))));
  }
  return validators.get(type);
}

const valueAt = (data, path) =>
  path.split(/[.[\]]+/).filter(Boolean).reduce((value, step) => (value == null ? value : value[step]), data);
const isEmpty = (value) => value == null || value === "" || (Array.isArray(value) && value.length === 0);
const sizeOf = (value) => (Array.isArray(value) ? value.length : value);
const OPERATORS = {
  exists: (value) => value !== undefined,
  nonEmpty: (value) => !isEmpty(value),
  equals: (value, expected) => value === expected,
  notEquals: (value, expected) => value !== expected,
  includes: (value, expected) => value?.includes?.(expected) ?? false,
  matches: (value, expected) => typeof value === "string" && new RegExp(expected).test(value),
  greaterThan: (value, expected) => sizeOf(value) > expected,
  lessThan: (value, expected) => sizeOf(value) < expected,
};

const entities = loadEntities(root);
const errors = [];
const ids = new Set();
for (const { type, file, data } of entities) {
  const validate = validatorFor(type);
  if (!validate(data)) errors.push({ file, entity: data?.id, type: "schema", details: validate.errors });
  ids.add(data?.id);
}

const REFERENCES = { feature: ["userStories", "specs", "tasks"], userstory: ["feature"] };
for (const { type, file, data } of entities) {
  for (const field of REFERENCES[type] ?? []) {
    for (const id of [data[field] ?? []].flat()) {
      if (!ids.has(id)) errors.push({ file, entity: data.id, type: "reference", message: `${field}: no ${id}` });
    }
  }
}

const constitution = entities.find(({ type }) => type === "governance")?.data;
const rules = constitution?.compliance?.rules ?? [];
for (const rule of rules) {
  for (const { type, file, data } of entities) {
    if (!rule.targets.includes(type)) continue;
    for (const { path, operator, value, message } of rule.conditions) {
      if (!OPERATORS[operator](valueAt(data, path), value)) {
        errors.push({ file, entity: data.id, type: "compliance", ruleId: rule.id, message });
      }
    }
  }
}

const products = entities.filter(({ type }) => type !== "governance");
answer({
  ok: errors.length === 0,
  message: errors.length === 0 ? "All validations passed" : "Validation failed",
  stats: { totalEntities: products.length, byType: countBy(products, ({ type }) => type) },
  ...(constitution && {
    constitution: {
      id: constitution.id,
      version: constitution.version,
      checksum: constitution.checksum,
      evaluatedRules: rules.length,
    },
  }),
  ...(errors.length > 0 && { errors }),
});
