// Dies when it is told to.
export const handler = async ({ die }) => {
  console.log('called');
  if (die === 'exit') process.exit(3);
  if (die === 'throw') throw new Error('as it was told to');
  return {};
};
