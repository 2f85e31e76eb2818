// Waits until the address in `gate` answers, when its event names one.
export const handler = async (event) => {
  if (event.gate !== undefined) await (await fetch(event.gate)).arrayBuffer();
  return null;
};
