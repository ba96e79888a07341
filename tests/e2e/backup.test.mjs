// Backups, restores and checks with the real binary: while it serves, while it does not, killed, and asked for nonsense.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { newUser } from './support/client.mjs';
import { binary, makeTempDir, runToExit, startServer } from './support/server.mjs';
import { manyStarts, test, until } from './support/wait.mjs';

async function withServer(options, body) {
  const server = await startServer(options);
  try {
    await body(server);
  } finally {
    await server.stop();
  }
}

async function bobbin(...args) {
  const { code, stdout, stderr } = await runToExit(args);
  assert.equal(code, 0, `bobbin ${args.join(' ')}: ${stdout}${stderr}`);
  return stdout;
}

// Exit code 1 and one line that says why.
async function expectRefusal(args, pattern) {
  const { code, stdout, stderr } = await runToExit(args);
  assert.equal(code, 1, stdout + stderr);
  assert.equal(stdout, '');
  const lines = stderr.trimEnd().split('\n');
  assert.equal(lines.length, 1, stderr);
  assert.match(lines[0], pattern);
}

const json = async (...args) => JSON.parse(await bobbin(...args, '--json'));

// So many large messages, in four threads side by side.
async function fill(user, count) {
  await Promise.all([0, 1, 2, 3].map(async (thread) => {
    for (let i = thread; i < count; i += 4) await user.ask(noise(200_000, i + 1), `thread ${thread}`);
  }));
}

// Text that does not compress, the same for the same seed.
function noise(bytes, seed) {
  let state = seed;
  let text = '';
  while (text.length < bytes) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    text += state.toString(36);
  }
  return text.slice(0, bytes);
}

test('a backup under load holds every answered message, and is a server of its own elsewhere', manyStarts, async () => {
  await withServer({}, async (server) => {
    const to = path.join(server.workDir, 'backups');
    const users = await Promise.all(['a', 'b', 'c'].map(() => newUser(server)));
    let running = true;
    const answered = new Map(users.map((user) => [user.user, []]));
    const load = users.map(async (user) => {
      for (let i = 0; running && i < 200; ++i) {
        await user.ask(`question ${i}`, 'thread');
        answered.get(user.user).push(`question ${i}`);
      }
    });
    await until('some answers', () => [...answered.values()].every((list) => list.length >= 3));
    const promised = new Map([...answered].map(([user, list]) => [user, list.length]));
    const report = await json('backup', '--data', server.dataDir, '--to', to, '--verify');
    running = false;
    await Promise.all(load);
    assert.equal(report.backup.id, 1);
    assert.ok(report.verified && report.backup.complete && report.new_bytes > 0);

    const restored = path.join(server.workDir, 'restored');
    await bobbin('restore', '--from', to, '--data', restored);
    assert.ok((await json('verify', '--data', restored)).clean);
    await withServer({ dataDir: restored }, async (copy) => {
      for (const user of users) {
        const there = (await user.history('thread')).messages;
        user.server = copy;
        const here = (await user.history('thread')).messages;
        user.server = server;
        const questions = here.filter((message) => message.role === 'user');
        assert.ok(questions.length >= promised.get(user.user), `${questions.length} of ${promised.get(user.user)}`);
        // The same messages with the same ids, but for an answer that was cut and is now marked so.
        const whole = here.filter((message, index) => index < here.length - 1 || message.role === 'user');
        assert.deepEqual(whole, there.slice(0, whole.length));
      }
      const user = users[0];
      user.server = copy;
      await user.ask('the copy goes on', 'thread');
    });
  });
});

test('a second backup costs what is new, older ones go, and any of them comes back', manyStarts, async () => {
  await withServer({}, async (server) => {
    const to = path.join(server.workDir, 'backups');
    const user = await newUser(server);
    await fill(user, 24);
    // A start brings RocksDB's log into tables, which backups share.
    await server.terminate();
    await server.start();
    const first = await json('backup', '--data', server.dataDir, '--to', to);
    assert.ok(first.new_bytes > 4_000_000, `${first.new_bytes}`);
    // RocksDB rewrites a table once when it has reached its place; from then on it is shared.
    const second = await until('a backup that costs little', async () => {
      await user.ask('one more', 'later');
      const report = await json('backup', '--data', server.dataDir, '--to', to);
      return report.new_bytes * 8 < first.new_bytes && report;
    });
    assert.ok(second.backup.bytes > 4_000_000);
    const third = await json('backup', '--data', server.dataDir, '--to', to, '--keep', '2');
    assert.equal(third.backup.id, second.backup.id + 1);
    assert.ok(third.removed.includes(1));
    const { backups } = await json('backup', '--list', '--to', to);
    assert.deepEqual(backups.map((backup) => backup.id), [second.backup.id, third.backup.id]);
    assert.ok((await json('verify', '--backup', to)).clean);
    const older = ['--backup', String(second.backup.id)];
    await bobbin('restore', '--from', to, '--data', path.join(server.workDir, 'second'), ...older);
    await withServer({ dataDir: path.join(server.workDir, 'second') }, async (copy) => {
      user.server = copy;
      assert.equal((await user.sessions()).sessions.length, 5);
      assert.equal((await user.contents('thread 0'))[0], noise(200_000, 1));
    });
  });
});

test('a backup that is killed leaves the earlier ones, and the next one works', manyStarts, async () => {
  const work = makeTempDir();
  const data = path.join(work, 'data');
  const to = path.join(work, 'backups');
  await withServer({ dataDir: data }, async (server) => {
    const user = await newUser(server);
    await fill(user, 16);
    await server.terminate();
  });
  await bobbin('backup', '--data', data, '--to', to);
  let killed = 0;
  for (let round = 0; round < 8; ++round) {
    const child = spawn(binary, ['backup', '--data', data, '--to', to], { stdio: 'ignore' });
    const ended = new Promise((resolve) => child.once('close', (code, signal) => resolve(signal)));
    // Once it has begun a file of its own: then at another moment each time.
    const before = new Set(readdirSync(path.join(to, 'private')));
    await until('the backup to begin', () => child.exitCode !== null ||
      readdirSync(path.join(to, 'private')).some((name) => !before.has(name)));
    for (let turn = 0; turn < round; ++turn) await new Promise(setImmediate);
    child.kill('SIGKILL');
    if (await ended === 'SIGKILL') ++killed;
    const { backups } = await json('backup', '--list', '--to', to);
    assert.ok(backups[0].id === 1 && backups[0].complete);
    assert.equal((await runToExit(['verify', '--backup', to, '--id', '1'])).code, 0);
  }
  assert.ok(killed > 0);
  await bobbin('backup', '--data', data, '--to', to, '--verify');
  assert.ok((await json('verify', '--backup', to)).clean);
  assert.ok((await json('verify', '--data', data)).clean);
});

test('a backup of a server that is killed in the middle can be made again', manyStarts, async () => {
  await withServer({}, async (server) => {
    const to = path.join(server.workDir, 'backups');
    const user = await newUser(server);
    await fill(user, 8);
    const asked = runToExit(['backup', '--data', server.dataDir, '--to', to]);
    await until('the backup to begin', () => existsSync(path.join(to, 'private')));
    await server.kill();
    await asked;   // it may have been done before
    await server.start();
    await bobbin('backup', '--data', server.dataDir, '--to', to, '--verify');
    assert.ok((await json('verify', '--backup', to)).clean);
  });
});

test('what was deleted leaves the backups with the last one that has it', manyStarts, async () => {
  await withServer({}, async (server) => {
    const to = path.join(server.workDir, 'backups');
    const secret = noise(40, 4711);   // never repeats, so that compression leaves it as it is
    const filesWithIt = (folder) => readdirSync(folder, { recursive: true })
      .map((name) => path.join(folder, name))
      .filter((file) => statSync(file).isFile() && readFileSync(file).includes(secret));
    const user = await newUser(server);
    await user.ask('something else', 'other');
    await user.ask(secret, 'diary');
    await bobbin('backup', '--data', server.dataDir, '--to', to);
    assert.ok(filesWithIt(to).length > 0);
    await user.deleteThread('diary');
    // Backups beside the erasure, which they hold up and do not stop.
    let made = 1;
    await until('the erasure', async () => {
      await bobbin('backup', '--data', server.dataDir, '--to', to);
      ++made;
      return (await json('doctor', '--data', server.dataDir)).waiting_erasures === 0;
    });
    assert.deepEqual(filesWithIt(path.join(server.dataDir, 'db')), []);
    assert.deepEqual(filesWithIt(path.join(server.dataDir, 'runlog')), []);
    assert.ok(filesWithIt(to).length > 0);
    const { removed } = await json('backup', '--data', server.dataDir, '--to', to, '--keep', '1');
    assert.equal(removed.length, made);
    assert.deepEqual(filesWithIt(to), []);
    const restored = path.join(server.workDir, 'restored');
    await bobbin('restore', '--from', to, '--data', restored);
    assert.equal((await json('verify', '--data', restored)).threads, 1);
  });
});

test('a damaged backup is found, and never restored', async () => {
  await withServer({}, async (server) => {
    const to = path.join(server.workDir, 'backups');
    const user = await newUser(server);
    await user.ask('hello', 'thread');
    await bobbin('backup', '--data', server.dataDir, '--to', to);
    const log = readdirSync(path.join(to, 'private/1')).find((name) => name.endsWith('.log'));
    const file = path.join(to, 'private/1', log);
    const bytes = readFileSync(file);
    bytes[bytes.length >> 1] ^= 1;
    writeFileSync(file, bytes);
    const { code, stdout } = await runToExit(['verify', '--backup', to]);
    assert.equal(code, 1);
    assert.ok(stdout.includes('backup 1:') && stdout.includes(log), stdout);
    const restored = path.join(server.workDir, 'restored');
    const refused = await runToExit(['restore', '--from', to, '--data', restored]);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr.trimEnd().split('\n').at(-1), /the backup is damaged/);
    assert.ok(!existsSync(restored));
  });
});

test('verify and doctor say the same online and offline, and find what is damaged', manyStarts, async () => {
  await withServer({}, async (server) => {
    const user = await newUser(server);
    await user.ask('hello', 'one');
    await user.ask('hello', 'two');
    const online = await json('verify', '--data', server.dataDir);
    assert.ok(online.clean);
    assert.equal(online.threads, 2);
    assert.equal(online.families.messages.rows, 4);
    const serving = await json('doctor', '--data', server.dataDir);
    assert.ok(serving.in_use && serving.in_use_by === server.pid);
    assert.equal(serving.threads, 2);
    await expectRefusal(['verify', '--data', server.dataDir, '--repair'], /stop the server first/);
    await server.terminate();
    assert.ok(!existsSync(path.join(server.dataDir, 'control.sock')));
    const files = () => readdirSync(server.dataDir, { recursive: true })
      .map((name) => `${name} ${statSync(path.join(server.dataDir, name)).mtimeMs}`).sort();
    const before = files();
    const offline = await json('verify', '--data', server.dataDir);
    assert.deepEqual({ ...offline, files: 0 }, { ...online, files: 0 });
    const idle = await json('doctor', '--data', server.dataDir);
    assert.deepEqual([idle.in_use, idle.threads, idle.users, idle.format], [false, 2, 1, serving.format]);
    assert.deepEqual(files(), before);
    assert.match(await bobbin('doctor', '--data', server.dataDir), /nothing to mend/);
    assert.match(await bobbin('verify', '--data', server.dataDir, '--repair'), /no problems/);
    chmodSync(server.dataDir, 0o755);
    assert.match(await bobbin('doctor', '--data', server.dataDir), /chmod 700/);
    writeFileSync(path.join(server.dataDir, 'db/CURRENT'), 'nonsense\n');
    assert.match(await bobbin('doctor', '--data', server.dataDir), /the store cannot be opened: Corruption/);
    assert.equal((await runToExit(['verify', '--data', server.dataDir])).code, 1);
  });
});

test('a server below a very long path can be asked, and its successor after it died', manyStarts, async () => {
  const dataDir = path.join(makeTempDir(), ...Array(4).fill('d'.repeat(60)), 'data');
  await withServer({ dataDir }, async (server) => {
    assert.equal(statSync(path.join(dataDir, 'control.sock')).mode & 0o777, 0o600);
    assert.ok((await json('verify', '--data', dataDir)).clean);
    await server.kill();
    assert.ok(existsSync(path.join(dataDir, 'control.sock')));   // left behind
    assert.ok((await json('verify', '--data', dataDir)).clean);   // by this process itself
    await server.start();
    assert.ok((await json('doctor', '--data', dataDir)).in_use);
  });
});

test('SIGTERM ends a server whose control socket is held open', async () => {
  await withServer({}, async (server) => {
    const socket = net.connect(path.join(server.dataDir, 'control.sock'));
    await new Promise((resolve) => socket.once('connect', resolve));
    socket.on('error', () => {});
    socket.write('{"command":');
    assert.deepEqual(await server.terminate(), { code: 0, signal: null });
    socket.destroy();
  });
});

test('restore goes into empty directories, and moves others aside only when told to', manyStarts, async () => {
  await withServer({}, async (server) => {
    const to = path.join(server.workDir, 'backups');
    const user = await newUser(server);
    await user.ask('hello', 'thread');
    await bobbin('backup', '--data', server.dataDir, '--to', to);
    const restore = ['restore', '--from', to, '--data'];
    await expectRefusal([...restore, server.dataDir], /not empty/);
    await expectRefusal([...restore, server.dataDir, '--force'], /in use/);
    const empty = path.join(server.workDir, 'empty');
    mkdirSync(empty);
    assert.match(await bobbin(...restore, empty), /restored backup 1/);
    await expectRefusal([...restore, empty], /not empty/);
    const { moved_aside: aside } = await json(...restore, empty, '--force');
    assert.ok(existsSync(path.join(aside, 'db/CURRENT')));
    writeFileSync(path.join(empty, 'restore-incomplete'), '');
    await expectRefusal(['serve', '--listen', '127.0.0.1:0', '--data', empty], /restore into this directory did not finish/);
    await bobbin(...restore, empty);
    await withServer({ dataDir: empty }, async (copy) => {
      user.server = copy;
      assert.equal((await user.contents('thread'))[0], 'hello');
    });
  });
});

test('bad input is one clear line and exit code 1', manyStarts, async () => {
  const work = makeTempDir();
  const nothing = path.join(work, 'nothing');
  const letters = path.join(work, 'letters');
  mkdirSync(letters);
  writeFileSync(path.join(letters, 'letter.txt'), 'dear');
  await withServer({}, async (server) => {
    const { dataDir } = server;
    const to = path.join(work, 'backups');
    await expectRefusal(['backup', '--data', nothing, '--to', to], /no Bobbin store/);
    await expectRefusal(['backup', '--data', letters, '--to', to], /no Bobbin store/);
    await expectRefusal(['backup', '--data', dataDir, '--to', path.join(dataDir, 'backups')], /lies in the data directory/);
    await expectRefusal(['backup', '--data', dataDir, '--to', letters], /has other files in it/);
    await expectRefusal(['backup', '--data', dataDir, '--to', '/proc/bobbin'], /cannot be made/);
    await expectRefusal(['backup', '--data', dataDir, '--to', '/dev/full/backups'], /cannot be|Not a directory/);
    await expectRefusal(['backup', '--data', dataDir, '--to', to, '--with-secret'], /no jwt-secret/);
    await expectRefusal(['backup', '--list', '--to', letters], /no directory of Bobbin's backups/);
    await expectRefusal(['restore', '--from', letters, '--data', nothing], /no directory of Bobbin's backups/);
    await expectRefusal(['verify', '--data', nothing], /no Bobbin store/);
    await expectRefusal(['verify', '--data', letters], /no Bobbin store/);
    await expectRefusal(['verify', '--backup', letters], /no directory of Bobbin's backups/);
    await expectRefusal(['doctor', '--data', nothing], /no such directory/);
    assert.match(await bobbin('doctor', '--data', letters), /no Bobbin store/);
    for (const args of [['backup'], ['restore', '--from', to], ['verify', '--id', '1'], ['backup', '--to', to, '--keep', '0']]) {
      assert.equal((await runToExit(args)).code, 2);
    }
    for (const name of ['backup', 'restore', 'verify', 'doctor']) {
      assert.match(await bobbin(name, '--help'), new RegExp(`bobbin ${name}`));
    }
    assert.ok(!existsSync(nothing) && !existsSync(to));
    assert.equal((await fetch(`${server.url}/health`)).status, 200);
  });
});
