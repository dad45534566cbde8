import { h } from './dom';

/** Asks for one line of text; nothing where the person changes their mind. */
export async function askText(title: string, value: string, label: string): Promise<string | undefined> {
  const input = h('input', { type: 'text', maxlength: '200', 'aria-label': title, value });
  input.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter') return;
    event.preventDefault();
    input.closest('dialog')?.close('yes');
  });
  const agreed = await ask(title, [input], label, 'primary');
  return agreed ? input.value.trim() || undefined : undefined;
}

/** Asks whether something is to be done that can't be undone. */
export function confirm(title: string, explanation: string, label: string): Promise<boolean> {
  return ask(title, [h('p', { class: 'muted' }, explanation)], label, 'deny');
}

function ask(title: string, content: Node[], label: string, kind: string): Promise<boolean> {
  return new Promise((resolve) => {
    const end = (answer: string) => () => dialog.close(answer);
    const dialog = h(
      'dialog',
      { 'aria-label': title },
      h('strong', {}, title),
      ...content,
      h(
        'div',
        { class: 'choices' },
        h('button', { type: 'button', class: kind, onclick: end('yes') }, label),
        h('button', { type: 'button', onclick: end('') }, 'Cancel'),
      ),
    );
    dialog.addEventListener('close', () => {
      dialog.remove();
      resolve(dialog.returnValue === 'yes');
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
