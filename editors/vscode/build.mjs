// Bundles the extension and its pages into dist/. `--minify` for the package, `--tests` for the tests as well.
import { cpSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { build } from 'esbuild';

const minify = process.argv.includes('--minify');
const node = { bundle: true, platform: 'node', format: 'cjs', target: 'node22', external: ['vscode'], minify };
rmSync('dist', { recursive: true, force: true });
mkdirSync('dist/page', { recursive: true });
await build({ ...node, entryPoints: ['src/extension.ts'], outfile: 'dist/extension.js', mainFields: ['module', 'main'] });
await build({
  bundle: true,
  platform: 'browser',
  format: 'iife',
  target: 'chrome138',
  entryPoints: ['page/chat.ts', 'page/ask.ts', 'page/graph.ts'],
  outdir: 'dist/page',
  minify,
});
cpSync('page/style.css', 'dist/page/style.css');
if (process.argv.includes('--tests')) {
  const unit = readdirSync('test/unit').map((name) => `test/unit/${name}`);
  await build({ ...node, entryPoints: unit, outdir: 'dist/test/unit' });
  // The runner loads its parts by name, so that it stays where npm has put it.
  const host = readdirSync('test/host').map((name) => `test/host/${name}`);
  await build({ ...node, entryPoints: host, outdir: 'dist/test/host', external: ['vscode', 'mocha'] });
}
