export const handler = async (event) => {
  for (let i = 0; i < event.lines; i++) process.stdout.write(`${i} ${'x'.repeat(event.length)}\n`);
};
