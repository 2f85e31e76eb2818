/**
 * CenterNet as TensorFlow.js keeps it (a JSON graph and a file of weights) to ONNX.
 *
 * Three things differ. TensorFlow.js lays pictures out as NHWC and kernels as HWIO; ONNX wants NCHW and OIHW. It fuses bias and
 * activation into a convolution; ONNX has an operator for each. And its weights are stored as float16: they stay so, each with a
 * Cast behind it, which keeps the file at 4 MB; onnxruntime folds the casts away when it loads the model.
 *
 * Only what leads to the two outputs below is converted: the peaks are found by the function (see ../src/centernet.ts).
 */
import { FLOAT, FLOAT16, model, node, tensor } from './onnx.mjs';

const INPUT = { name: 'tower_0/images', shape: [1, 3, 512, 512] };
const OUTPUTS = [
  { name: 'tower_0/keypoints', shape: [1, 80, 128, 128] }, // how sure it is that a class has its centre here
  { name: 'tower_0/wh', shape: [1, 4, 128, 128] }, // from there to the left, top, right and bottom edge
];

const text = (base64) => Buffer.from(base64, 'base64').toString();
const heightAndWidth = (attr) => attr?.list.i.slice(1, 3).map(Number) ?? [1, 1];

/** Reads the file of weights: name → {shape, values}; float16 as its bits. */
function readWeights(manifest, bin) {
  const weights = new Map();
  let offset = 0;
  for (const { name, shape, dtype, quantization } of manifest.flatMap((group) => group.weights)) {
    const half = quantization?.dtype === 'float16';
    if (!half && dtype !== 'int32') throw new Error(`weight ${name}: ${dtype} is not converted`);
    const Values = half ? Uint16Array : Int32Array;
    const length = shape.reduce((a, b) => a * b, 1) * Values.BYTES_PER_ELEMENT;
    weights.set(name, { shape, values: new Values(bin.buffer.slice(bin.byteOffset + offset, bin.byteOffset + offset + length)) });
    offset += length;
  }
  if (offset !== bin.length) throw new Error(`the weights are ${bin.length} bytes, the graph speaks of ${offset}`);
  return weights;
}

/** HWIO → OIHW; for a depthwise convolution HWC1 → C1HW. */
function transposeKernel({ shape, values }, depthwise) {
  const [height, width, inputs, outputs] = shape;
  const turned = new values.constructor(values.length);
  let from = 0;
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let i = 0; i < inputs; i++)
        for (let o = 0; o < outputs; o++) {
          const filter = depthwise ? i * outputs + o : o * inputs + i;
          turned[(filter * height + y) * width + x] = values[from++];
        }
  return { shape: depthwise ? [inputs * outputs, 1, height, width] : [outputs, inputs, height, width], values: turned };
}

/** @param graph the parsed centernet.json; @param bin the bytes of centernet.bin; @returns the bytes of an .onnx file. */
export function convert(graph, bin) {
  const weights = readWeights(graph.weightsManifest, bin);
  const source = new Map(graph.modelTopology.node.map((n) => [n.name, n]));
  const [nodes, tensors, done] = [[], [], new Set()];

  const emit = (op, inputs, name, attributes) => {
    nodes.push(node(op, inputs, name, attributes));
    return name;
  };
  const float32 = (name, shape, values) => {
    tensors.push(tensor(name, shape, FLOAT, new Float32Array(values)));
    return name;
  };
  const float16 = (name, shape, values) => {
    tensors.push(tensor(`${name}:half`, shape, FLOAT16, values));
    return emit('Cast', [`${name}:half`], name, { to: FLOAT });
  };
  const clip6 = (input, name) => emit('Clip', [input, 'zero', 'six'], name);
  const activations = { Relu: (input, name) => emit('Relu', [input], name), Relu6: clip6 };

  /** A constant beside a picture: a scalar, or one number a channel. */
  function constant(name) {
    const { shape, values } = weights.get(name);
    if (shape.length > 1 && values.length !== shape.at(-1)) throw new Error(`constant ${name} has shape ${shape}`);
    return float16(name, shape.length === 0 ? [] : [1, values.length, 1, 1], values);
  }

  function convolution({ name, op, input: [x, kernelName, biasName], attr }) {
    const depthwise = op.includes('Depthwise');
    const kernel = transposeKernel(weights.get(kernelName), depthwise);
    const inputs = [convertNode(x), float16(`${name}:kernel`, kernel.shape, kernel.values)];
    if (biasName) inputs.push(float16(`${name}:bias`, [kernel.shape[0]], weights.get(biasName).values));
    const activation = attr.fused_ops?.list.s.map(text).find((fused) => fused !== 'BiasAdd');
    if (activation && !activations[activation]) throw new Error(`${name}: no activation ${activation}`);
    emit('Conv', inputs, activation ? `${name}:linear` : name, {
      kernel_shape: kernel.shape.slice(2),
      strides: heightAndWidth(attr.strides),
      dilations: heightAndWidth(attr.dilations),
      group: depthwise ? kernel.shape[0] : 1,
      auto_pad: text(attr.padding.s) === 'SAME' ? 'SAME_UPPER' : 'VALID',
    });
    return activation ? activations[activation](`${name}:linear`, name) : name;
  }

  const operators = {
    Placeholder: ({ name }) => name,
    Const: ({ name }) => constant(name),
    _FusedConv2D: convolution,
    Conv2D: convolution,
    FusedDepthwiseConv2dNative: convolution,
    DepthwiseConv2dNative: convolution,
    Add: ({ name, input }) => emit('Add', input.map(convertNode), name),
    Mul: ({ name, input }) => emit('Mul', input.map(convertNode), name),
    Relu: ({ name, input }) => emit('Relu', [convertNode(input[0])], name),
    Relu6: ({ name, input }) => clip6(convertNode(input[0]), name),
    Sigmoid: ({ name, input }) => emit('Sigmoid', [convertNode(input[0])], name),
    Identity: ({ name, input }) => emit('Identity', [convertNode(input[0])], name),
    Mean: ({ name, input }) => emit('GlobalAveragePool', [convertNode(input[0])], name),
    ConcatV2: ({ name, input }) => emit('Concat', input.slice(0, -1).map(convertNode), name, { axis: 1 }),
    // Every resize in this network doubles height and width.
    ResizeBilinear: ({ name, input }) =>
      emit('Resize', [convertNode(input[0]), '', 'double'], name, { mode: 'linear', coordinate_transformation_mode: 'asymmetric' }),
  };

  /** Converts a node after everything it needs, once. Returns its name. */
  function convertNode(name) {
    if (done.has(name)) return name;
    done.add(name);
    const found = source.get(name);
    const operator = operators[found?.op];
    if (!operator) throw new Error(`${name}: ${found?.op ?? 'missing node'} is not converted`);
    return operator(found);
  }

  float32('zero', [], [0]);
  float32('six', [], [6]);
  float32('double', [4], [1, 1, 2, 2]);
  for (const output of OUTPUTS) convertNode(output.name);
  return model({ name: 'centernet', nodes, tensors, inputs: [INPUT], outputs: OUTPUTS });
}
