// Attempts at what belongs to somebody else, made from docs/openapi.yaml: each request that the document grants, with
// another user's ids in every place that takes one; and beside it the same with ids of nobody.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { buildRequest, exampleRequests } from './api_document.mjs';

// What each parameter and field names: a kind of thing that belongs to a user, or nothing that does. Where a name means
// different things, the beginning of the path comes behind it.
const nothing = null;
export const rules = {
  'path id /chat/': 'thread',
  'path id /auth/keys/': 'key',
  'path id /admin/accounts/': 'account',
  'path id /admin/invitations/': 'invitation',
  'path run_id': 'run',
  'query thread_id': 'thread',
  'query run_id': 'run',
  'query before': 'cursor',
  'query cursor /chat/': 'sessionsCursor',
  'query cursor /admin/': 'account',
  'header Idempotency-Key': 'request',
  'body thread_id': 'thread',
  'body run_id': 'run',

  'path file': nothing,
  'query limit': nothing,
  'header If-None-Match': nothing,
  'header Last-Event-ID': nothing,    // counts in what the rest of the request names; the live feed has a test of its own
  'header Origin': nothing,
  ...Object.fromEntries(['message', 'model', 'on_busy', 'on_disconnect', 'expires_in', 'continue'].map((name) => [`body ${name}`, nothing])),
  ...Object.fromEntries(['keep_days', 'system_prompt', 'theme', 'language'].map((name) => [`body ${name}`, nothing])),
  ...Object.fromEntries(['name', 'scopes', 'role', 'state', 'logout', 'everywhere', 'refresh'].map((name) => [`body ${name}`, nothing])),
  // Whoever has a secret is who it stands for; that of an address nothing is told is a test of accounts.
  ...Object.fromEntries(['email', 'password', 'new_password', 'refresh_token', 'secret', 'invitation', 'setup'].map((name) => [`body ${name}`, nothing])),
};

export function ruleNameOf(api, place, name) {
  const plain = `${place} ${name}`;
  return Object.keys(rules).find((rule) => rule === plain || (rule.startsWith(`${plain} /`) && api.path.startsWith(rule.slice(plain.length + 1))));
}

// [{place, name, required}] of all that a request of the operation can have.
export function fieldsOf(api) {
  const body = api.bodySchema?.properties ?? {};
  return [
    ...api.parameters.map((each) => ({ place: each.in, name: each.name, required: Boolean(each.required) })),
    ...Object.keys(body).map((name) => ({ place: 'body', name, required: api.bodySchema.required?.includes(name) ?? false })),
  ];
}

// The places that can name something of a user: those with a kind.
export const carriersOf = (api) => fieldsOf(api).map((field) => ({ ...field, kind: rules[ruleNameOf(api, field.place, field.name)] })).filter(({ kind }) => kind);

const randomHex = (count) => randomBytes(count).toString('hex').slice(0, count);

// An id of nobody that looks like `text`, and is as long.
export function likeness(text) {
  if (/[0-9a-f]{12}$/.test(text) && text.length >= 36) return text.slice(0, -12) + randomHex(12);
  if (text.includes('victim')) return text.replace('victim', 'nobody');
  return randomBytes(text.length).toString('base64url').slice(0, text.length);
}

// Every way to fill the carriers with nothing, `own` and `theirs`, with one at least of `theirs`.
function fillings(carriers, own, theirs) {
  let found = [[]];
  for (const carrier of carriers) {
    const values = [];
    if (!carrier.required) values.push({ carrier });
    if (own[carrier.kind] !== undefined) values.push({ carrier, value: own[carrier.kind] });
    if (theirs[carrier.kind] !== undefined) values.push({ carrier, value: theirs[carrier.kind], isTheirs: true });
    found = found.flatMap((filling) => values.map((value) => [...filling, value]));
  }
  return found.filter((filling) => filling.some(({ isTheirs }) => isTheirs));
}

function fill(api, base, filling, map) {
  const values = { ...base.values };
  const body = base.body === undefined ? undefined : { ...base.body };
  for (const { carrier, value, isTheirs } of filling) {
    const to = carrier.place === 'body' ? body : values;
    delete to[carrier.name];
    if (value !== undefined) to[carrier.name] = isTheirs && map ? map.get(value) : value;
  }
  return buildRequest(api, { values, body });
}

// [{theirs, nobodys}]: requests with the ids of `packs` (each {thread, run, …} that belong together), and the same with
// what `map` has for each. `own` is what the one who asks has of each kind.
export function attemptsAt(api, own, packs, map) {
  const carriers = carriersOf(api);
  const seen = new Set();
  const attempts = [];
  for (const base of exampleRequests(api).filter(({ status }) => status < 300)) {
    for (const pack of packs) {
      for (const filling of fillings(carriers, own, pack)) {
        const theirs = fill(api, base, filling, null);
        const name = JSON.stringify(theirs);
        if (seen.has(name)) continue;
        seen.add(name);
        attempts.push({ theirs, nobodys: fill(api, base, filling, map) });
      }
    }
  }
  assert.ok(carriers.length === 0 || attempts.length > 0, `${api.name} is tried`);
  return attempts;
}

// Pieces of an answer come as they came from the model; all tokens together are the same.
function joinTokens(text) {
  const contents = (tokens) => [...tokens.matchAll(/"content":"([^"]*)"/g)].map((match) => match[1]).join('');
  return text.replace(/(?:id: \d+\ndata: \{"type":"token","content":"[^"]*"\}\n\n)+/g, (tokens) => `token ${contents(tokens)}\n`)
    .replace(/^id: \d+\n/gm, '');
}

// An answer without what differs between any two: times, ids that are made for it, and who asked.
export async function flatten(response, user, map) {
  let text = joinTokens(await response.text());
  for (const [theirs, nobodys] of map) text = text.replaceAll(theirs, nobodys);
  text = text.replaceAll(user, 'USER').replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, 'UUID').replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME').replace(/"next_cursor":"[^"]+"/g, 'CURSOR');
  const headers = [...response.headers].filter(([name]) => name !== 'date').map((pair) => pair.join(': '));
  return [response.status, ...headers, text].join('\n');
}
