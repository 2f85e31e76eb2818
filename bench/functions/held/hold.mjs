// Wraps an example's handler so that a benchmark can keep its instance busy for as long as it likes: after the handler has answered, `holdSeconds`
// pass, or SIGUSR2 comes. What the wrapper leaves behind is nothing: no timer, no signal handler.
export const holding =
  (handler) =>
  async ({ holdSeconds = 0, event = {} }, context) => {
    const answer = await handler(event, context);
    if (holdSeconds > 0) await released(holdSeconds * 1000);
    return answer;
  };

function released(ms) {
  return new Promise((resolve) => {
    const release = () => {
      clearTimeout(timer);
      process.off('SIGUSR2', release);
      resolve();
    };
    const timer = setTimeout(release, ms);
    process.on('SIGUSR2', release);
  });
}
