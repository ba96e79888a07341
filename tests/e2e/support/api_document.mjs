// docs/openapi.yaml as tests use it: its operations, its examples as requests, and a judge of answers. What is validated
// by schemas is validated by ajv.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import addFormats from 'ajv-formats';
import Ajv2020 from 'ajv/dist/2020.js';
import { createParser } from 'eventsource-parser';
import { parse } from 'yaml';

const METHODS = ['get', 'post', 'put', 'patch', 'delete', 'head', 'options'];
const NO_BODY = new Set([204, 304]);

export const apiDocument = parse(readFileSync(new URL('../../../docs/openapi.yaml', import.meta.url), 'utf8'));

// What `node` stands for, where it is a reference.
export function resolve(node) {
  if (!node?.$ref) return node;
  const steps = node.$ref.replace(/^#\//, '').split('/').map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
  const found = steps.reduce((at, step) => at?.[step], apiDocument);
  assert.ok(found, `${node.$ref} leads nowhere`);
  return resolve(found);
}

// Clients ignore fields that they do not know, but the server sends none that is not described.
function closed(node) {
  if (Array.isArray(node)) return node.map(closed);
  if (node === null || typeof node !== 'object') return node;
  const copy = Object.fromEntries(Object.entries(node).map(([key, value]) => [key, closed(value)]));
  return copy.type === 'object' && copy.properties ? { additionalProperties: false, ...copy } : copy;
}

function makeAjv(document) {
  const ajv = addFormats(new Ajv2020({ strict: false, allErrors: true }));
  return ajv.addSchema(document, 'api');
}
const ajvs = { request: makeAjv(apiDocument), answer: makeAjv(closed(apiDocument)) };
const compiled = new Map();

// Throws what is wrong with `value`, which the schema at `pointer` of the document should describe.
function check(kind, pointer, value, what) {
  const name = `${kind} ${pointer}`;
  if (!compiled.has(name)) compiled.set(name, ajvs[kind].compile({ $ref: `api#${pointer}` }));
  const validate = compiled.get(name);
  if (!validate(value)) assert.fail(`${what}: ${ajvs[kind].errorsText(validate.errors)}\n${JSON.stringify(value)}`);
}

const step = (text) => `/${encodeURIComponent(text.replaceAll('~', '~0').replaceAll('/', '~1'))}`;
const pointerTo = (node, pointer) => (node.$ref ? decodeURIComponent(node.$ref).slice(1).split('/').map((each, at) => (at ? `/${encodeURIComponent(each)}` : '')).join('') : pointer);

function readOperation(path, method, operation) {
  const pointer = `/paths${step(path)}/${method}`;
  const parameters = [...(apiDocument.paths[path].parameters ?? []), ...(operation.parameters ?? [])].map(resolve);
  const body = resolve(operation.requestBody);
  return {
    name: `${method.toUpperCase()} ${path}`,
    pointer, path, method: method.toUpperCase(), operation, parameters, body,
    access: operation['x-access'],
    bodyMedia: body?.content['application/json'],
    bodySchema: resolve(body?.content['application/json'].schema),
    statuses: Object.keys(operation.responses).filter((status) => /^\d+$/.test(status)).map(Number),
  };
}

const all = Object.entries(apiDocument.paths).flatMap(([path, item]) => METHODS.filter((method) => item[method]).map((method) => readOperation(path, method, item[method])));
// Those that are rows of the router's table; and what each path answers besides.
export const operations = all.filter(({ method }) => method !== 'HEAD' && method !== 'OPTIONS');
export const extras = all.filter(({ method }) => method === 'HEAD' || method === 'OPTIONS');

export const isOwned = ({ access }) => access !== 'open';

// ---- requests

const plainValue = (parameter) => parameter.example ?? Object.values(parameter.examples ?? {})[0]?.value;

// {values: {name: value}, body}: what every request of the operation has, where an example does not say otherwise.
export function plainRequest(api) {
  const values = Object.fromEntries(api.parameters.filter((each) => each.required).map((each) => [each.name, plainValue(each)]));
  return { values, body: Object.values(api.bodyMedia?.examples ?? {})[0]?.value };
}

// Every request that the document has for this operation: {name, values, body, as, status}.
export function exampleRequests(api) {
  const good = api.statuses.find((status) => status < 300);
  const found = [];
  const add = (name, example, change) => {
    const plain = plainRequest(api);
    const { body, ...values } = example['x-with'] ?? {};
    found.push({
      name, as: example['x-as'], status: example['x-status'] ?? good,
      values: { ...plain.values, ...values, ...change.values },
      body: change.body !== undefined ? change.body : body !== undefined ? body : plain.body,
    });
  };
  for (const parameter of api.parameters) {
    for (const [name, example] of Object.entries(parameter.examples ?? {})) add(`${parameter.name}: ${name}`, example, { values: { [parameter.name]: example.value } });
  }
  for (const [name, example] of Object.entries(api.bodyMedia?.examples ?? {})) add(`body: ${name}`, example, { body: example.value });
  if (!api.body && !api.parameters.some((each) => each.required && each.in === 'path')) found.push({ name: 'plain', status: good, ...plainRequest(api) });
  if (found.length === 0) add('plain', {}, {});
  return found;
}

// The parts of an HTTP request. `values` that are no parameters are headers.
export function buildRequest(api, { values, body }) {
  let path = api.path;
  const query = new URLSearchParams();
  const headers = {};
  for (const [name, value] of Object.entries(values)) {
    const place = api.parameters.find((parameter) => parameter.name === name)?.in ?? 'header';
    if (place === 'path') path = path.replace(`{${name}}`, encodeURIComponent(value));
    else if (place === 'query') query.append(name, value);
    else headers[name] = String(value);
  }
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  return { method: api.method, path: query.size ? `${path}?${query}` : path, headers, body: body === undefined ? undefined : JSON.stringify(body) };
}

export function checkRequestBody(api, body, what) {
  check('request', `${api.pointer}/requestBody/content/application~1json/schema`, body, what);
}

// ---- answers

const sharedHeaders = new Set(Object.keys(apiDocument['x-headers']).map((name) => name.toLowerCase()));
const codes = apiDocument.components.schemas.Code['x-status-of'];

function findResponse(api, status, what) {
  const own = api.operation.responses[status] ?? (status < 300 ? api.operation.responses['2XX'] : undefined);
  if (own) return { response: resolve(own), pointer: pointerTo(own, `${api.pointer}/responses/${status}`) };
  const any = api.operation.responses.default;
  assert.ok(resolve(any)['x-statuses'].includes(status), `${what}: the status ${status} is not described`);
  return { response: resolve(any), pointer: pointerTo(any, `${api.pointer}/responses/default`) };
}

function checkHeaders(response, pointer, headers, what) {
  const described = Object.entries(response.headers ?? {});
  for (const [name] of headers) {
    assert.ok(sharedHeaders.has(name) || described.some(([each]) => each.toLowerCase() === name), `${what}: the header ${name} is not described`);
  }
  for (const [name, reference] of described) {
    const header = resolve(reference);
    const value = headers.get(name);
    assert.ok(value !== null || !header.required, `${what}: the header ${name} is missing`);
    if (value === null) continue;
    const at = pointerTo(reference, `${pointer}/headers/${name}`);
    check('answer', `${at}/schema`, header.schema.type === 'integer' ? Number(value) : value, `${what}: header ${name}`);
  }
}

// Holds an answer against the document: status, header fields, and the body, which is `text` (streams: checkEvent).
// Throws what is not as described.
export function checkAnswer(api, { status, headers }, text, what) {
  const { response, pointer } = findResponse(api, status, what);
  checkHeaders(response, pointer, headers, what);
  if (NO_BODY.has(status) || api.method === 'HEAD') return assert.equal(text, '', `${what}: no body`);
  assert.ok(response.content || text === '', `${what}: the body of ${status} is not described`);
  if (!response.content) return undefined;
  const type = (headers.get('content-type') ?? '').split(';')[0];
  const media = response.content[type];
  assert.ok(media, `${what}: the type ${type} is not described`);
  if (type === 'text/event-stream') return undefined;
  const value = /json$/.test(type) ? JSON.parse(text) : text;
  check('answer', `${pointer}/content${step(type)}/schema`, value, what);
  if (type !== 'application/problem+json') return undefined;
  assert.equal(value.status, status, what);
  if (status !== 417) assert.equal(codes[value.code], status, `${what}: the status of ${value.code}`);
  return value;
}

export const isEventStream = (response) => /^text\/event-stream\b/.test(response.headers.get('content-type') ?? '');

// One event of the stream that answers 200.
export function checkEvent(api, event, what) {
  const { response, pointer } = findResponse(api, 200, what);
  assert.ok(response.content['text/event-stream']['x-event'], what);
  check('answer', `${pointer}/content${step('text/event-stream')}/x-event`, event, what);
}

// ---- what the document says by example

// Throws where an example of an answer is not as its own schema says.
export function checkResponseExamples(api) {
  let count = 0;
  for (const status of Object.keys(api.operation.responses)) {
    const { response, pointer } = findResponse(api, status === 'default' ? 400 : Number(status) || 200, api.name);
    for (const [type, media] of Object.entries(response.content ?? {})) {
      for (const [name, example] of Object.entries(media.examples ?? {})) {
        const what = `${api.name} ${status} ${name}`;
        count += 1;
        if (type !== 'text/event-stream') check('answer', `${pointer}/content${step(type)}/schema`, example.value, what);
        else createParser({ onEvent: ({ data }) => checkEvent(api, JSON.parse(data), what) }).feed(example.value);
      }
    }
  }
  return count;
}
