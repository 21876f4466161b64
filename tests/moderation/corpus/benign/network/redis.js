const net = require("net");
const c = net.connect(6379, "127.0.0.1");
c.write("PING\r\n"); c.pipe(process.stdout);
