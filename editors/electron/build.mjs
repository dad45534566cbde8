// Bundles the application into dist/. `--node=12 --chrome=83` builds for an old Electron; today's by default.
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { build } from 'esbuild';

const option = (name, otherwise) => process.argv.find((each) => each.startsWith(`--${name}=`))?.split('=')[1] ?? otherwise;
const node = { bundle: true, platform: 'node', format: 'cjs', target: `node${option('node', '22')}`, external: ['electron'] };
// Node before version 15 has no AbortController.
if (Number(option('node', '22')) < 15) node.inject = ['src/old-node.ts'];
mkdirSync('dist', { recursive: true });
await build({ ...node, entryPoints: ['src/main.ts', 'src/preload.ts'], outdir: 'dist' });
await build({
  bundle: true,
  format: 'iife',
  target: `chrome${option('chrome', '140')}`,
  entryPoints: ['page/app.ts'],
  outfile: 'dist/app.js',
  minify: true,
});
cpSync('page/index.html', 'dist/index.html');
const styles = ['../client/views/chat.css', 'page/style.css'];
writeFileSync('dist/style.css', styles.map((each) => readFileSync(each, 'utf8')).join('\n'));
