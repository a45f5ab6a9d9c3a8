// Replaces pg/lib/stream.js, which creates a Response to find out whether it runs on Cloudflare. On Node 20 the first use
// of Response loads undici, which takes 15 ms.
const net = require('node:net')
const tls = require('node:tls')

exports.getStream = () => new net.Socket()
exports.getSecureStream = options => tls.connect(options)
