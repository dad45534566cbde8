import { randomBytes } from 'node:crypto';
import { Uri } from 'vscode';
import type { Webview, WebviewOptions } from 'vscode';

export type PageName = 'chat' | 'ask' | 'graph';

/** Where pages may load from: what is packed with the extension, and nothing of the workspace. */
export function pageOptions(extension: Uri): WebviewOptions {
  return { enableScripts: true, localResourceRoots: [Uri.joinPath(extension, 'dist', 'page')] };
}

/** A page that runs one script of ours: nothing from elsewhere, and nothing that stands in a text. */
export function pageHtml(webview: Webview, extension: Uri, name: PageName, title: string): string {
  const nonce = randomBytes(16).toString('base64');
  const file = (each: string): string => webview.asWebviewUri(Uri.joinPath(extension, 'dist', 'page', each)).toString();
  const policy = [
    "default-src 'none'",
    `script-src 'nonce-${nonce}'`,
    `style-src ${webview.cspSource} 'nonce-${nonce}'`,
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  // The library that draws graphs adds a style of its own, which the policy forbids, unless there is one of this id.
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta http-equiv="Content-Security-Policy" content="${policy}" />
    <title>${title}</title>
    <link rel="stylesheet" href="${file('style.css')}" />
    <style id="__________cytoscape_stylesheet" nonce="${nonce}">
      .__________cytoscape_container { position: relative; }
    </style>
  </head>
  <body data-page="${name}">
    <script nonce="${nonce}" src="${file(`${name}.js`)}"></script>
  </body>
</html>`;
}
