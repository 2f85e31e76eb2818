import v8 from 'node:v8';

function neverCalled(n) {
  return n + 1;
}

/** Whether V8 has compiled what init only defined, and whether it compiles ahead what is defined now. What its state looks like is not documented, so that is found out first. */
export const handler = async () => {
  v8.setFlagsFromString('--allow-natives-syntax');
  const stateOf = new Function('of', 'return %GetOptimizationStatus(of)');
  const [called, fresh] = new Function('return [function called() { return 1; }, function fresh() { return 2; }]')();
  const before = stateOf(called);
  called();
  const waiting = before & ~stateOf(called); // nothing where it was compiled ahead
  return { init: waiting === 0 ? null : (stateOf(neverCalled) & waiting) === 0, fresh: waiting === 0 };
};
