import { isMap, parseDocument } from 'yaml';

/** A starting point of new entities that a repository has. */
export interface BuilderTemplate {
  /** What the daemon knows it by. */
  name: string;
  title: string;
  description: string;
  /** The type of entity that it makes; nothing: any. */
  type: string | undefined;
  /** Names of what has to be filled in, the title first, without the id. */
  placeholders: string[];
}

/** Reads what a template says about itself; one that is half broken says less. */
export function readTemplate(name: string, text: string): BuilderTemplate {
  const { contents } = parseDocument(text);
  const about = isMap(contents) ? contents.get('_template') : undefined;
  const say = (field: string): string | undefined => {
    const value = isMap(about) ? about.get(field) : undefined;
    return typeof value === 'string' ? value : undefined;
  };
  const found = [...text.matchAll(/\{\{\s*([\w.-]+)\s*\}\}/g)].flatMap(([, each]) => each ?? []);
  const placeholders = [...new Set(found)].filter((each) => each !== 'id');
  return {
    name,
    title: say('name') ?? name,
    description: say('description') ?? '',
    type: say('entityType'),
    placeholders: placeholders.sort((a, b) => Number(b === 'title') - Number(a === 'title')),
  };
}
