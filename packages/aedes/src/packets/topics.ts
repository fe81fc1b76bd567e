/**
 * Why a topic can't be published to or subscribed to, or null.
 *
 * @param levelsMax - that it may have, separated by `/`
 */
export function topicFault(
  topic: string,
  use: 'PUBLISH' | 'SUBSCRIBE' | 'UNSUBSCRIBE',
  levelsMax: number,
): Error | null {
  if (topic === '') {
    const isPublish = use === 'PUBLISH';
    return new Error(
      isPublish ? `empty topic not allowed in ${use}` : `impossible to ${use} to an empty topic`,
    );
  }
  const levels = topic.split('/');
  if (levels.length > levelsMax) return new Error('topic has too many levels');
  for (const [index, level] of levels.entries()) {
    for (const wildcard of ['#', '+']) {
      if (!level.includes(wildcard)) continue;
      if (use === 'PUBLISH') return new Error(`${wildcard} is not allowed in PUBLISH`);
      if (level !== wildcard) return new Error(`${wildcard} is only allowed as a level of its own`);
      if (wildcard === '#' && index < levels.length - 1) {
        return new Error(`# is only allowed in ${use} in the last position`);
      }
    }
  }
  return null;
}
