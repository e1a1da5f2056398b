/** `rxraft/testing`: suites that every machine, storage and transport must pass, free of any test runner. */
export { type MachineSample, machineSuite } from './machine-suite.js'
export { type StorageWorld, storageSuite } from './storage-suite.js'
export { type SuiteCase, type TransportWorld, transportSuite } from './transport-suite.js'
