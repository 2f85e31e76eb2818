/** Registers: r0 what a call or the program answers, r1 to r5 a call's arguments, which it forgets, r6 to r9 kept, r10 the stack's end, read-only. */
export type Register = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10;

// Operation codes of eBPF (RFC 9669).
const LDX_W = 0x61;
const LDX_DW = 0x79;
const STX_W = 0x63;
const ST_W = 0x62;
/** With an operation: here an addition that no other CPU's comes between. */
const ATOMIC_W = 0xc3;
const LD_IMM64 = 0x18;
const MOV64_REG = 0xbf;
const MOV64_IMM = 0xb7;
const MOV32_IMM = 0xb4;
const ADD64_IMM = 0x07;
const AND64_IMM = 0x57;
const OR64_IMM = 0x47;
const OR64_REG = 0x4f;
const LSH64_IMM = 0x67;
const RSH64_IMM = 0x77;
const TO_BE = 0xdc;
const JA = 0x05;
const JEQ32_IMM = 0x16;
const JGE32_IMM = 0x36;
const JGT64_REG = 0x2d;
const JNE64_REG = 0x5d;
const JNE32_IMM = 0x56;
const JNE64_IMM = 0x55;
const CALL = 0x85;
const EXIT = 0x95;
/** In the source register of a 64-bit load: the value is the descriptor of a map. */
const PSEUDO_MAP_FD = 1;
const BYTES = 8;

interface Jump {
  readonly at: number;
  readonly to: string;
}

/** Writes a program of eBPF, an instruction a call. Jumps are to labels. */
export class Assembler {
  readonly #instructions: Buffer[] = [];
  readonly #labels = new Map<string, number>();
  readonly #jumps: Jump[] = [];

  /** The next instruction's name. */
  label(name: string): this {
    this.#labels.set(name, this.#instructions.length);
    return this;
  }

  /** to = *(u32 *)(base + offset) */
  load(to: Register, base: Register, offset: number): this {
    return this.#emit(LDX_W, { to, from: base, offset });
  }

  /** to = *(u64 *)(base + offset): a pointer, as a rule. */
  loadPointer(to: Register, base: Register, offset: number): this {
    return this.#emit(LDX_DW, { to, from: base, offset });
  }

  /** *(u32 *)(base + offset) = from */
  store(base: Register, offset: number, from: Register): this {
    return this.#emit(STX_W, { to: base, from, offset });
  }

  /** *(u32 *)(base + offset) = value */
  storeValue(base: Register, offset: number, value: number): this {
    return this.#emit(ST_W, { to: base, offset, value });
  }

  /** *(u32 *)(base + offset) += from, at once. */
  addAtomically(base: Register, offset: number, from: Register): this {
    return this.#emit(ATOMIC_W, { to: base, from, offset });
  }

  loadMap(to: Register, fd: number): this {
    this.#emit(LD_IMM64, { to, from: PSEUDO_MAP_FD, value: fd });
    return this.#emit(0, {});
  }

  move(to: Register, from: Register): this {
    return this.#emit(MOV64_REG, { to, from });
  }

  set(to: Register, value: number): this {
    return this.#emit(MOV64_IMM, { to, value });
  }

  /** The upper half of the register becomes 0. */
  set32(to: Register, value: number): this {
    return this.#emit(MOV32_IMM, { to, value });
  }

  add(to: Register, value: number): this {
    return this.#emit(ADD64_IMM, { to, value });
  }

  and(to: Register, value: number): this {
    return this.#emit(AND64_IMM, { to, value });
  }

  or(to: Register, value: number): this {
    return this.#emit(OR64_IMM, { to, value });
  }

  orRegister(to: Register, from: Register): this {
    return this.#emit(OR64_REG, { to, from });
  }

  shiftLeft(to: Register, bits: number): this {
    return this.#emit(LSH64_IMM, { to, value: bits });
  }

  shiftRight(to: Register, bits: number): this {
    return this.#emit(RSH64_IMM, { to, value: bits });
  }

  /** The lower bits as the network writes them; the upper become 0. */
  toNetworkOrder(to: Register, bits: 16 | 32): this {
    return this.#emit(TO_BE, { to, value: bits });
  }

  jump(to: string): this {
    return this.#jump(JA, {}, to);
  }

  /** Compares the lower halves. */
  jumpIf(register: Register, value: number, to: string): this {
    return this.#jump(JEQ32_IMM, { to: register, value }, to);
  }

  jumpUnless(register: Register, value: number, to: string): this {
    return this.#jump(JNE32_IMM, { to: register, value }, to);
  }

  jumpIfAtLeast(register: Register, value: number, to: string): this {
    return this.#jump(JGE32_IMM, { to: register, value }, to);
  }

  /** For a pointer: whether it is one. */
  jumpIfAny(register: Register, to: string): this {
    return this.#jump(JNE64_IMM, { to: register, value: 0 }, to);
  }

  jumpIfMore(register: Register, than: Register, to: string): this {
    return this.#jump(JGT64_REG, { to: register, from: than }, to);
  }

  jumpUnlessEqual(register: Register, other: Register, to: string): this {
    return this.#jump(JNE64_REG, { to: register, from: other }, to);
  }

  /** Calls one of the kernel's helpers by its number. */
  call(helper: number): this {
    return this.#emit(CALL, { value: helper });
  }

  exit(): this {
    return this.#emit(EXIT, {});
  }

  /** The program, with its jumps resolved. */
  bytes(): Buffer {
    for (const { at, to } of this.#jumps) {
      const target = this.#labels.get(to);
      if (target === undefined) throw new Error(`no label ${to}`);
      this.#instructions[at]!.writeInt16LE(target - at - 1, 2);
    }
    return Buffer.concat(this.#instructions);
  }

  #jump(code: number, operands: Operands, to: string): this {
    this.#jumps.push({ at: this.#instructions.length, to });
    return this.#emit(code, operands);
  }

  #emit(code: number, { to = 0, from = 0, offset = 0, value = 0 }: Operands): this {
    const instruction = Buffer.alloc(BYTES);
    instruction[0] = code;
    instruction[1] = to | (from << 4);
    instruction.writeInt16LE(offset, 2);
    instruction.writeInt32LE(value, 4);
    this.#instructions.push(instruction);
    return this;
  }
}

interface Operands {
  readonly to?: number;
  readonly from?: number;
  readonly offset?: number;
  readonly value?: number;
}
