/** A proposer outside the cluster. */
export { type Client, type ClientOptions, connect } from './connect.js'
export { type ConnectError, Unreachable } from './errors.js'
