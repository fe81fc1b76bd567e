/** Preloaded into the process of a broker: at SIGUSR2, an error is thrown that nobody catches, and a promise is rejected. */
process.on('SIGUSR2', () => {
  setImmediate(() => {
    void Promise.reject(new Error('planted rejection'));
    throw new RangeError('planted exception');
  });
});
