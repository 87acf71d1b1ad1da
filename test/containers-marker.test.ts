// Whether the container tests may begin. It stands here because it needs no container.

import { expect, test } from "vitest";
import { ownerOf } from "../bench/suite/owner.mjs";
import { refusal } from "./containers/marker.ts";

const NODE1 = { id: "a".repeat(64), name: "node1" };
const NODE2 = { id: "b".repeat(64), name: "node2" };
const left = { owner: "4711.100", ids: [NODE1.id] };
const gone = () => undefined;

test("where nothing runs under the literal names, the container tests begin, whatever an earlier run left", () => {
  expect(refusal([], undefined, gone)).toBeUndefined();
  expect(refusal([], left, gone)).toBeUndefined();
});

test("a network of the user's own is not theirs to remove, and the refusal says what to do", () => {
  expect(refusal([NODE1, NODE2], undefined, gone)).toMatch(/\(node1, node2\).*: docker rm -f node1 node2$/);
});

test("what a run that is gone has started may go; what was started since by somebody else may not", () => {
  expect(refusal([NODE1], left, gone)).toBeUndefined();
  expect(refusal([NODE1, NODE2], left, gone)).toMatch(/docker rm -f node2$/);
});

test("a run that lasts is let end; another process under its id is no such run", () => {
  expect(refusal([], left, () => left.owner)).toMatch(/under way \(process 4711\)/);
  expect(refusal([NODE1], left, () => "4711.200")).toBeUndefined();
});

test("a process is known by its id and its start", () => {
  expect(ownerOf(process.pid)).toMatch(new RegExp(`^${process.pid}\\.\\d*$`));
  // No process has the id 0.
  expect(ownerOf(0)).toBeUndefined();
});
