/**
 * The little of protobuf and ONNX that writing a graph takes. An ONNX file is one protobuf message; a message is a row of
 * fields, each a number and a value. The field numbers below are those of onnx.proto (onnx/onnx, IR version 8).
 */

export const FLOAT = 1;
export const FLOAT16 = 10;
const IR_VERSION = 8;
const OPSET = 13;

/** A protobuf varint. */
function varint(value) {
  const bytes = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  do {
    const more = rest > 0x7fn;
    bytes.push(Number(rest & 0x7fn) | (more ? 0x80 : 0));
    rest >>= 7n;
  } while (rest > 0n);
  return Buffer.from(bytes);
}

/** A field that holds an integer. */
const int = (number, value) => Buffer.concat([varint(number << 3), varint(value)]);

/** A field that holds bytes: text, raw data or a nested message. */
function bytes(number, value) {
  const data = Buffer.from(value);
  return Buffer.concat([varint((number << 3) | 2), varint(data.length), data]);
}

const message = (number, fields) => bytes(number, Buffer.concat(fields));

/** AttributeProto: an integer, a text or a list of integers. */
function attribute(name, value) {
  const body = [bytes(1, name)];
  if (typeof value === 'number') body.push(int(3, value), int(20, 2));
  else if (typeof value === 'string') body.push(bytes(4, value), int(20, 3));
  else body.push(...value.map((v) => int(8, v)), int(20, 7));
  return body;
}

/** NodeProto, as a field of the graph. */
export function node(opType, inputs, output, attributes = {}) {
  return message(1, [
    ...inputs.map((name) => bytes(1, name)),
    bytes(2, output),
    bytes(3, output),
    bytes(4, opType),
    ...Object.entries(attributes).map(([name, value]) => message(5, attribute(name, value))),
  ]);
}

/** TensorProto: a constant of the graph. `values` is a typed array, little-endian as every machine Node.js runs on. */
export function tensor(name, shape, type, values) {
  const raw = Buffer.from(values.buffer, values.byteOffset, values.byteLength);
  return message(5, [...shape.map((dim) => int(1, dim)), int(2, type), bytes(8, name), bytes(9, raw)]);
}

/** ValueInfoProto: the name and shape of a float input or output. */
function valueInfo(number, { name, shape }) {
  const dims = shape.map((dim) => message(1, [int(1, dim)]));
  const tensorType = [int(1, FLOAT), message(2, dims)];
  return message(number, [bytes(1, name), message(2, [message(1, tensorType)])]);
}

/** The whole file. */
export function model({ name, nodes, tensors, inputs, outputs }) {
  const graph = [
    ...nodes,
    bytes(2, name),
    ...tensors,
    ...inputs.map((input) => valueInfo(11, input)),
    ...outputs.map((output) => valueInfo(12, output)),
  ];
  return Buffer.concat([int(1, IR_VERSION), bytes(2, 'hearth examples'), message(7, graph), message(8, [bytes(1, ''), int(2, OPSET)])]);
}
