export { nodeName } from '../../config/index.ts';
