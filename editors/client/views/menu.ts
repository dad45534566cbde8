import { fill, h } from './dom';

export interface Action {
  label: string;
  run: () => void;
}

/** A menu below three dots; a choice, Escape and a look elsewhere close it. */
export function menu(label: string, actions: () => Action[]): HTMLElement {
  const dots = h('summary', { 'aria-label': label, 'aria-haspopup': 'true', title: label }, '⋯');
  const list = h('div', { class: 'popup', role: 'menu', 'aria-label': label });
  const details = h('details', { class: 'menu' }, dots, list);
  const close = (): void => {
    details.open = false;
  };
  details.addEventListener('toggle', () => {
    if (!details.open) return fill(list);
    fill(
      list,
      ...actions().map((action) =>
        h(
          'button',
          {
            type: 'button',
            role: 'menuitem',
            onclick: () => {
              close();
              action.run();
            },
          },
          action.label,
        ),
      ),
    );
    list.scrollIntoView({ block: 'nearest' });
    list.querySelector('button')?.focus();
  });
  details.addEventListener('focusout', (event) => {
    if (!details.contains(event.relatedTarget as Node | null)) close();
  });
  details.addEventListener('keydown', (event) => {
    const items = [...list.querySelectorAll('button')];
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === 'Escape') {
      event.stopPropagation();
      close();
      dots.focus();
    } else if (step !== undefined && details.open) {
      event.preventDefault();
      const now = items.indexOf(document.activeElement as HTMLButtonElement);
      items[(now + step + items.length) % items.length]?.focus();
    }
  });
  return details;
}
