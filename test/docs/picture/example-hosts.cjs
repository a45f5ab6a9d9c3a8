// Loaded into dsctl with NODE_OPTIONS: db.example.com is this machine.
const dns = require('node:dns/promises')

const { lookup } = dns
dns.lookup = async (name, options) =>
  name === 'db.example.com' ? [{ address: '127.0.0.1', family: 4 }] : lookup(name, options)
