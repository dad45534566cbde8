// Bundles the extension, its pages and its tests into dist/.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

const node = { bundle: true, platform: 'node', format: 'cjs', target: 'node22', external: ['vscode'] };
rmSync('dist', { recursive: true, force: true });
mkdirSync('dist/page', { recursive: true });
const extension = await build({
  ...node,
  entryPoints: ['src/extension.ts'],
  outfile: 'dist/extension.js',
  mainFields: ['module', 'main'],
  minify: true,
  metafile: true,
});
const pages = await build({
  bundle: true,
  platform: 'browser',
  format: 'iife',
  target: 'chrome138',
  entryPoints: ['page/chat.ts', 'page/ask.ts', 'page/graph.ts'],
  outdir: 'dist/page',
  minify: true,
  metafile: true,
});
writeFileSync('dist/ThirdPartyNotices.txt', notices([extension.metafile, pages.metafile]));
const styles = ['../client/views/chat.css', 'page/style.css'];
writeFileSync('dist/page/style.css', styles.map((each) => readFileSync(each, 'utf8')).join('\n'));
// VS Code shows pictures in the description of an installed extension only where they come from the network.
writeFileSync('dist/README.md', readFileSync('README.md', 'utf8').replace(/^!\[.*\]\(images\/.*\)\n\n/gm, ''));
for (const kind of ['unit', 'host']) {
  const entryPoints = readdirSync(`test/${kind}`).map((name) => `test/${kind}/${name}`);
  // The test runner loads its parts by name, and stays where npm has put it.
  await build({ ...node, entryPoints, outdir: `dist/test/${kind}`, external: ['vscode', 'mocha'] });
}

/** The licenses of all packages that are part of what was built. */
function notices(built) {
  const files = built.flatMap(({ inputs }) => Object.keys(inputs));
  const folders = new Set(files.map((file) => /^.*node_modules\/(@[^/]+\/)?[^/]+/.exec(file)?.[0]).filter(Boolean));
  return [...folders]
    .map((folder) => {
      const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
      const text = readdirSync(folder).find((file) => /^licen[cs]e/i.test(file));
      return `${name} ${version} (${license})\n\n${text ? readFileSync(join(folder, text), 'utf8').trim() : ''}\n`;
    })
    .sort()
    .join(`\n${'-'.repeat(80)}\n\n`);
}
