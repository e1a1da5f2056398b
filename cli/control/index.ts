/** A server beside a member, through which the commands of `rxraft`, probes and Prometheus reach it. */
export { type ControlError, type ControlServer, type ControlServerOptions, controlServer } from './control-server.js'
export type { ControlLimits } from './limits.js'
