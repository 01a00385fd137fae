// Notes what a Node program reaches for, a JSON line each, whether it gets it or not. Loaded with --require before a
// plugin's first line; the last line of the file that is made of this one calls start(log).
"use strict";
const fs = require("fs");
const net = require("net");
const dns = require("dns");
const path = require("path");
const children = require("child_process");

function start(log) {
  const open = fs.openSync(log, "a", 0o600);
  const writeSync = fs.writeSync;
  const note = (kind, what) => writeSync(open, JSON.stringify({ kind, what: String(what) }) + "\n");
  const file = (kind, what) => {
    if (what instanceof URL) what = what.protocol === "file:" ? what.pathname : null;
    if (typeof what === "string" || Buffer.isBuffer(what)) note(kind, path.resolve(String(what)));
  };
  const before = (owner, name, tell) => {
    const original = owner[name];
    if (typeof original !== "function") return;
    owner[name] = function (...given) {
      try { tell(given); } catch (error) { note("error", error); }
      return original.apply(this, given);
    };
  };
  const writes = (flags) => (typeof flags === "number" ? (flags & 3) !== 0 : /[wa+]/.test(flags || "r"));
  for (const owner of [fs, fs.promises]) {
    for (const ending of ["", "Sync"]) {
      before(owner, `open${ending}`, ([what, flags]) => file(writes(flags) ? "write" : "read", what));
      for (const name of ["readFile", "readdir", "opendir"]) before(owner, name + ending, ([what]) => file("read", what));
      for (const name of ["writeFile", "appendFile", "mkdir", "rm", "rmdir", "unlink", "rename", "mkdtemp"])
        before(owner, name + ending, ([what]) => file("write", what));
    }
  }
  before(fs, "createReadStream", ([what]) => file("read", what));
  before(fs, "createWriteStream", ([what]) => file("write", what));
  before(dns, "lookup", ([host]) => note("network", host));
  before(net.Socket.prototype, "connect", (given) => {
    const first = Array.isArray(given[0]) ? given[0][0] : given[0];
    if (first && typeof first === "object" && first.port) note("network", `${first.host || "localhost"}:${first.port}`);
    else if (typeof first === "number") note("network", `${given[1] || "localhost"}:${first}`);
  });
  for (const name of ["spawn", "spawnSync", "exec", "execSync", "execFile", "execFileSync", "fork"])
    before(children, name, ([program]) => note("program", name.startsWith("exec") && !name.includes("File") ? "sh" : program));
}
