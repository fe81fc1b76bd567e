/** Whoever imports `electron` gets the stand-in. */
export const resolve = (specifier, context, next) =>
  next(
    specifier === 'electron' ? new URL('electron.mjs', import.meta.url).href : specifier,
    context,
  );
