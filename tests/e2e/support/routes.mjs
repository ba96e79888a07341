// The router's own table, read from its source: tests that go through all routes have a new one from its first day.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

const source = (path) => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');

const table = /std::vector<Route> table = \{\n([^]*?)\n {2}\};/.exec(source('src/api/router.cpp'))[1];
const entry = /\{Method::(\w+), "([^"]+)", Access::(\w+), (\w+)\}/g;

// The files of the page have routes by the list that they are embedded by.
const files = /set\(BOBBIN_WEB_FILES ([^)]+)\)/.exec(source('web/CMakeLists.txt'))[1].trim().split(/\s+/);
const pagePath = (file) => (file === 'index.html' ? '/' : `/${file}`);

// [{method: 'DELETE', path: '/auth/keys/{id}', access: 'person'}], without what every path answers (HEAD, OPTIONS).
export const routes = [
  ...[...table.matchAll(entry)].map(([, method, path, access]) => ({ method: method.replace('_', '').toUpperCase(), path, access })),
  ...files.map((file) => ({ method: 'GET', path: pagePath(file), access: 'open' })),
];

// A row that is written in another way must not slip through.
assert.equal(routes.length - files.length, table.match(/Method::/g).length, 'every row of the table is read');
assert.ok(files.includes('index.html'));
