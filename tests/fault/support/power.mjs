// A power cut: what the journal of the preloaded library says had reached the disk is all that stays.
//
// Strict (no `random`): each file keeps the bytes that were synced, each directory the names that were synced with it. With `random` some
// of the rest stays as well, as on a real disk: the first few changes of names, a part of each file's bytes, perhaps with a page of zeros.
// Bytes that were synced once are taken as kept: the store's files only grow.

import { closeSync, linkSync, lstatSync, mkdirSync, openSync, readdirSync, readFileSync, renameSync, rmSync, truncateSync, writeSync } from 'node:fs';
import path from 'node:path';

const PAGE_BYTES = 4096;

// Every file and directory below `dir`: [{path, inode, bytes, directory}].
function walk(dir) {
  return readdirSync(dir, { withFileTypes: true }).flatMap((entry) => {
    const name = path.join(dir, entry.name);
    const status = lstatSync(name);
    const here = { path: name, inode: status.ino, bytes: status.size, directory: entry.isDirectory() };
    return entry.isDirectory() ? [here, ...walk(name)] : [here];
  });
}

// The disk as it is known to be while a process runs.
class Replay {
  constructor(baseline) {
    this.directories = new Set(baseline.filter((entry) => entry.directory).map((entry) => entry.path));
    const files = baseline.filter((entry) => !entry.directory);
    this.names = new Map(files.map((file) => [file.path, file.inode]));     // on disk
    this.live = new Map(this.names);                                        // as the process saw it
    this.synced = new Map(files.map((file) => [file.inode, file.bytes]));   // bytes on disk by inode
    this.pending = [];                                                      // changes of names that are not on disk
  }

  read(line) {
    const [what, ...fields] = line.split('\t');
    if (what === 'sync') {
      const [inode, bytes] = fields.map(Number);
      this.synced.set(inode, Math.max(this.synced.get(inode) ?? 0, bytes));
    } else if (what === 'dirsync') {
      this.syncDirectory(fields[1], Number(fields[0]));
    } else {
      this.change(what, Number(fields[0]), fields.slice(1));
    }
  }

  change(what, position, fields) {
    const change = { what, position, path: fields[0] };
    if (what === 'create') {
      [, change.path] = fields;
      change.inode = Number(fields[0]);
      this.synced.set(change.inode, 0);
      this.live.set(change.path, change.inode);
    } else if (what === 'rename') {
      [change.from, change.path] = fields;
      change.inode = this.live.get(change.from);
      this.live.delete(change.from);
      if (change.inode !== undefined) this.live.set(change.path, change.inode);
    } else if (what === 'unlink') {
      this.live.delete(change.path);
    } else if (what !== 'mkdir') {
      throw new Error(`the journal says ${what}`);
    }
    this.pending.push(change);
  }

  syncDirectory(directory, position) {
    const now = (change) => change.position <= position && path.dirname(change.path) === directory;
    for (const change of this.pending.filter(now)) this.apply(change);
    this.pending = this.pending.filter((change) => !now(change));
  }

  apply({ what, path: name, from, inode }) {
    if (what === 'mkdir') this.directories.add(name);
    else if (what === 'unlink') this.names.delete(name);
    else if (inode !== undefined) {
      if (what === 'rename') this.names.delete(from);
      this.names.set(name, inode);
    }
  }

  // The files that are left: those whose directories are on disk, too.
  files(root) {
    const reachable = (dir) => dir === root || (this.directories.has(dir) && reachable(path.dirname(dir)));
    return [...this.names].filter(([name]) => reachable(path.dirname(name)));
  }
}

export class PowerSwitch {
  constructor(disk) {
    this.disk = disk;
    this.remember();
  }

  // Before the process starts: all that is there is on disk.
  remember() {
    this.baseline = walk(this.disk.faultDir);
    rmSync(this.disk.journalFile, { force: true });
    for (const name of readdirSync(this.disk.keptDir)) rmSync(path.join(this.disk.keptDir, name));
  }

  // Whether every byte that the files below `dir` have at this moment has been synced.
  isSynced(dir) {
    const replay = new Replay(this.baseline);
    for (const line of readFileSync(this.disk.journalFile, 'utf8').split('\n').slice(0, -1)) replay.read(line);
    return walk(dir).every((entry) => entry.directory || (replay.synced.get(entry.inode) ?? 0) >= entry.bytes);
  }

  // After the process was killed: leaves what a power cut would have left. Answers how many bytes and changes of names were lost.
  cut(random = null) {
    const { faultDir, keptDir, journalFile } = this.disk;
    const replay = new Replay(this.baseline);
    for (const line of readFileSync(journalFile, 'utf8').split('\n')) if (line) replay.read(line);
    const survive = random ? Math.floor(random() * (replay.pending.length + 1)) : 0;
    for (const change of replay.pending.slice(0, survive)) replay.apply(change);

    const found = new Map([...walk(keptDir), ...walk(faultDir)].filter((entry) => !entry.directory).map((entry) => [entry.inode, entry]));
    const next = `${faultDir}.next`;
    mkdirSync(next);
    for (const dir of [...replay.directories].sort()) mkdirSync(path.join(next, path.relative(faultDir, dir)), { mode: 0o700, recursive: true });
    const lost = { bytes: 0, names: replay.pending.length - survive };
    for (const [name, inode] of replay.files(faultDir)) {
      const file = found.get(inode);
      if (!file) throw new Error(`the journal names ${name}, but inode ${inode} is nowhere`);
      const target = path.join(next, path.relative(faultDir, name));
      linkSync(file.path, target);
      lost.bytes += cutFile(target, file.bytes, replay.synced.get(inode) ?? 0, random);
    }
    rmSync(faultDir, { recursive: true });
    renameSync(next, faultDir);
    this.remember();
    return lost;
  }
}

function cutFile(file, bytes, synced, random) {
  if (bytes <= synced) return 0;
  const kept = random ? synced + Math.floor(random() * (bytes - synced + 1)) : synced;
  truncateSync(file, kept);
  if (random && random() < 0.3) {
    const from = Math.max(synced, kept - PAGE_BYTES);
    const fd = openSync(file, 'r+');
    writeSync(fd, Buffer.alloc(kept - from), 0, kept - from, from);
    closeSync(fd);
  }
  return bytes - kept;
}
