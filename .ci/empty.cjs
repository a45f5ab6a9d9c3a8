// Stands in the bundle for packages that are never reached there; calling it makes a function that does nothing.
module.exports = () => () => {}
