/**
 * The address of a transport's other end without its port: `192.0.2.1` of `192.0.2.1:50000`, `2001:db8::1` of `[2001:db8::1]:50000`. What
 * is no address stays as it is.
 */
export function hostOfAddress(remoteAddress: string): string {
  if (remoteAddress.startsWith('[')) return remoteAddress.slice(1, remoteAddress.indexOf(']'));
  const colon = remoteAddress.indexOf(':');
  // An IPv6 address without brackets has more than one, and no port.
  return colon === -1 || colon !== remoteAddress.lastIndexOf(':')
    ? remoteAddress
    : remoteAddress.slice(0, colon);
}
