import MarkdownIt from 'markdown-it';

// Texts come from models and repositories: HTML in them stays text, and links lead nowhere by themselves.
const markdown = new MarkdownIt({ html: false, linkify: false, breaks: false });
markdown.disable(['link', 'image', 'autolink']);

/** Renders Markdown into an element; `[1]` becomes a button where `onCitation` is given. */
export function renderMarkdown(element: HTMLElement, text: string, onCitation?: (number: number) => void): void {
  // markdown-it escapes every text, and knows no HTML here.
  element.innerHTML = markdown.render(text);
  if (onCitation) makeCitations(element, onCitation);
}

function makeCitations(element: HTMLElement, onCitation: (number: number) => void): void {
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  const texts: Text[] = [];
  while (walker.nextNode()) texts.push(walker.currentNode as Text);
  for (const text of texts) {
    if (text.parentElement?.closest('code, pre')) continue;
    const parts = text.data.split(/(\[\d+(?:, ?\d+)*\])/);
    if (parts.length < 2) continue;
    const nodes = parts.map((part, index) => {
      if (index % 2 === 0) return document.createTextNode(part);
      const group = document.createElement('span');
      for (const number of part.slice(1, -1).split(',').map(Number)) {
        const button = document.createElement('button');
        button.className = 'citation';
        button.textContent = String(number);
        button.title = `Open source ${number}`;
        button.addEventListener('click', () => onCitation(number));
        group.append(button);
      }
      return group;
    });
    text.replaceWith(...nodes);
  }
}
