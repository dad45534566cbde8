/**
 * Returns the same log, in which nothing that must not be read is written: no key stands in what VS Code and the daemon
 * say to each other, however much of that a person has logged.
 *
 * @param log what is written to.
 * @param hide returns a text without what must not be read.
 */
export function hiding<Log extends object>(log: Log, hide: (text: string) => string): Log {
  return new Proxy(log, {
    get(target, name) {
      const found: unknown = Reflect.get(target, name, target);
      if (typeof found !== 'function') return found;
      return (...args: unknown[]): unknown =>
        Reflect.apply(
          found,
          target,
          args.map((each) => (typeof each === 'string' ? hide(each) : each)),
        );
    },
  });
}
