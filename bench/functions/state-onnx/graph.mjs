// An ONNX graph (a protobuf message) of one multiplication with a matrix whose values lie in another file.
const FLOAT = 1;
const EXTERNAL = 1;

function varint(value) {
  const bytes = [];
  let rest = value;
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
  return Buffer.from([...bytes, rest]);
}

const int = (number, value) => Buffer.concat([varint(number * 8), varint(value)]);

function field(number, value) {
  const body = Array.isArray(value) ? Buffer.concat(value) : Buffer.from(value);
  return Buffer.concat([varint(number * 8 + 2), varint(body.length), body]);
}

const shape = (...sides) =>
  field(
    2,
    sides.map((side) => field(1, [int(1, side)])),
  );
const value = (number, name, side) => field(number, [field(1, name), field(2, [field(1, [int(1, FLOAT), shape(1, side)])])]);
const entry = (key, text) => field(13, [field(1, key), field(2, text)]);

export function bigMatrix(side, location) {
  const place = [entry('location', location), entry('offset', '0'), entry('length', String(side * side * 4))];
  const weights = field(5, [int(1, side), int(1, side), int(2, FLOAT), field(8, 'w'), ...place, int(14, EXTERNAL)]);
  const product = field(1, [field(1, 'x'), field(1, 'w'), field(2, 'y'), field(4, 'MatMul')]);
  const graph = field(7, [product, field(2, 'big'), weights, value(11, 'x', side), value(12, 'y', side)]);
  return Buffer.concat([int(1, 8), graph, field(8, [field(1, ''), int(2, 13)])]);
}
