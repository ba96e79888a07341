// A data directory on a disk that obeys the test: tests/fault/preload under the binary, steered through one small file.

import { closeSync, existsSync, mkdirSync, openSync, readSync, realpathSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { binary, makeTempDir } from '../../e2e/support/server.mjs';
import { until } from '../../e2e/support/wait.mjs';

export const library = path.join(path.dirname(binary), 'tests/fault/libbobbin_fault.so');

// struct fault_control of preload/fault.h: numbers of 8 bytes by their index, then two texts.
const CONTROL_BYTES = 512;
const slot = { hold: 0, lie: 1, noDevice: 2, full: 3, limit: 4, used: 5, held: 6, refused: 7 };
const kinds = ['sync', 'write', 'open', 'rename'];
const failSlot = (kind, field) => 8 + 4 * kinds.indexOf(kind) + ['countdown', 'error', 'hits', 'seen'].indexOf(field);
const HOLD_PATTERN = 256;
const FAIL_PATTERN = 384;
const PATTERN_BYTES = 128;

// Files of the write-ahead log, where every commit goes.
export const WAL = '/db/*.log';

export class FaultDisk {
  // `journal`: record what a power cut would leave (power.mjs). `noDevice`: and do not wait for the device.
  constructor({ journal = false, noDevice = false } = {}) {
    if (!existsSync(library)) throw new Error(`${library} is not built: ninja bobbin_fault`);
    this.root = realpathSync(makeTempDir());
    this.faultDir = path.join(this.root, 'disk');
    this.dataDir = path.join(this.faultDir, 'data');
    this.keptDir = path.join(this.root, 'kept');
    this.journalFile = path.join(this.root, 'journal');
    mkdirSync(this.faultDir);
    mkdirSync(this.keptDir);
    const control = path.join(this.root, 'control');
    writeFileSync(control, Buffer.alloc(CONTROL_BYTES));
    this.control = openSync(control, 'r+');
    this.env = { LD_PRELOAD: library, BOBBIN_FAULT_DIR: this.faultDir, BOBBIN_FAULT_CONTROL: control };
    if (journal) Object.assign(this.env, { BOBBIN_FAULT_JOURNAL: this.journalFile, BOBBIN_FAULT_KEPT: this.keptDir });
    this.set(slot.noDevice, noDevice ? 1 : 0);
  }

  set(index, value) {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(BigInt(value));
    writeSync(this.control, bytes, 0, 8, index * 8);
  }
  get(index) {
    const bytes = Buffer.alloc(8);
    readSync(this.control, bytes, 0, 8, index * 8);
    return Number(bytes.readBigInt64LE());
  }
  setPattern(offset, text) {
    const bytes = Buffer.alloc(PATTERN_BYTES);
    bytes.write(text);
    writeSync(this.control, bytes, 0, PATTERN_BYTES, offset);
  }

  // Syncs of files whose path contains `pattern` wait until release().
  hold(pattern = '') {
    this.setPattern(HOLD_PATTERN, pattern);
    this.set(slot.hold, 1);
  }
  // They are made, and wait before they return: what they made durable is known to nobody.
  holdAfter(pattern = '') {
    this.setPattern(HOLD_PATTERN, pattern);
    this.set(slot.hold, 2);
  }
  release() { this.set(slot.hold, 0); }
  get held() { return this.get(slot.held); }
  waitForHeld() { return until('a sync to be held back', () => this.held > 0); }

  // The n-th call of this kind from now, of files whose path contains `pattern`, fails.
  failNth(kind, n, errorName = 'EIO', pattern = '') {
    this.setPattern(FAIL_PATTERN, pattern);
    this.set(failSlot(kind, 'hits'), 0);
    this.set(failSlot(kind, 'error'), os.constants.errno[errorName]);
    this.set(failSlot(kind, 'countdown'), n);
  }
  hits(kind) { return this.get(failSlot(kind, 'hits')); }
  seen(kind) { return this.get(failSlot(kind, 'seen')); }
  heal() { for (const kind of kinds) this.set(failSlot(kind, 'countdown'), 0); }

  // From now on syncs succeed and do nothing.
  lie(on) { this.set(slot.lie, on ? 1 : 0); }

  // The files may grow by `bytes` from now; null: by as much as they like.
  allow(bytes) {
    if (bytes !== null) this.set(slot.limit, this.get(slot.used) + bytes);
    this.set(slot.full, bytes === null ? 0 : 1);
  }
  get refused() { return this.get(slot.refused); }

  remove() {
    closeSync(this.control);
    rmSync(this.root, { recursive: true, force: true });
  }
}
