export const handler = async () => {
  throw new RangeError('out of range');
};
