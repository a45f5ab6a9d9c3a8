// Loaded into dsctl with NODE_OPTIONS: resolves the names of services to an address of this machine.
const dns = require('node:dns/promises')

const { lookup } = dns
const address = process.env.DSCTL_TEST_ADDRESS
const isService = name => name.endsWith('.googleapis.com') || name.endsWith('.services.test')
dns.lookup = async (name, options) => (isService(name) ? [{ address, family: 4 }] : lookup(name, options))
