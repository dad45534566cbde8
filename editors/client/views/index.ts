export { AskView } from './ask';
export type { Bridge } from './bridge';
export { ChatView } from './chat';
export { renderDiff } from './diff';
export { fill, h, messageOf } from './dom';
export { GraphView } from './graph';
export { renderMarkdown } from './markdown';
export { allEntities, allFindings } from './pages';
