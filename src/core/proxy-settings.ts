/** Through what requests leave, as a whole address each, and for which hosts not. */
export interface ProxySettings {
  httpProxy?: string | undefined;
  httpsProxy?: string | undefined;
  /** As `NO_PROXY` has it. */
  noProxy?: string | undefined;
}
