import { FencedError } from '../log/fenced-error.ts';
import { type EngineLoss, textOfLoss } from './engine-loss.ts';

/** A cell isn't opened: the engine has less of it than it has acknowledged, or something else. */
export class EngineLostData extends FencedError {
  readonly loss: EngineLoss;

  constructor(loss: EngineLoss) {
    super('lost', textOfLoss(loss));
    this.loss = loss;
  }
}
