"""Meta Pseudo Labels (Pham et al., CVPR 2021)."""

from collections.abc import Collection, Mapping, Sequence
from copy import deepcopy
from typing import Any

import torch
from mmengine.dist import all_reduce
from mmpretrain.models.classifiers import ImageClassifier
from mmpretrain.structures import DataSample
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.functional import cross_entropy

from mmrcl.registry import MODELS

from .classifier import Batch, SemiSupervisedClassifier, divide, views_preprocessor


@MODELS.register_module()
class MetaPseudoLabels(ImageClassifier):
    """A student that learns from a teacher's classes, and a teacher that learns from its progress.

    In each step (Sect. 3 and Algorithm 1 of the appendix):

    1. The teacher draws a class for each unlabelled image from its prediction for the last view.
    2. The student, with parameters theta, has the gradient g of its cross-entropy with these
       classes.
    3. After a step of gradient descent, theta' = theta - eta g, the student's loss of the labelled
       images has the gradient g'. The feedback is ``h = eta g' . g``: how much the step helped.
    4. The teacher has the losses of a :class:`SemiSupervisedClassifier` and, times h, its
       cross-entropy with the classes that it drew.

    One optimiser trains both, the student by g. Backbone, neck and head of this model are the
    student; it is the one that is tested.

    Draws come from torch's generator, which the training loop seeds for each step and process.

    Args:
        backbone: config of the encoder, as the next two for both networks.
        head: config of the head.
        neck: config of what is between both.
        teacher: the further arguments of the teacher's :class:`SemiSupervisedClassifier`: target,
            unlabeled_weight and ramp.
        student_rate: eta, the length of the step that the feedback is about. The optimiser's rate
            is another setting.
        baseline_momentum: share of the new feedback in the moving average that is subtracted from
            it, as in the authors' code; it lowers the variance.
        data_preprocessor: config of mmpretrain's ``SelfSupDataPreprocessor``.
        init_cfg: of mmengine's ``BaseModule``.

    Raises:
        ValueError: for a rate that is not positive, or a momentum outside (0, 1].
    """

    baseline: Tensor

    def __init__(
        self,
        backbone: dict[str, Any],
        head: dict[str, Any],
        teacher: dict[str, Any],
        neck: dict[str, Any] | None = None,
        student_rate: float = 0.1,
        baseline_momentum: float = 0.01,
        data_preprocessor: dict[str, Any] | None = None,
        init_cfg: dict[str, Any] | None = None,
    ) -> None:
        network = deepcopy(dict[str, Any](backbone=backbone, neck=neck, head=head))
        super().__init__(
            backbone, neck, head,
            data_preprocessor=views_preprocessor(data_preprocessor), init_cfg=init_cfg,
        )  # fmt: skip
        if student_rate <= 0:
            raise ValueError(f'model.student_rate={student_rate} must be above 0')
        if not 0 < baseline_momentum <= 1:
            raise ValueError(
                f'model.baseline_momentum={baseline_momentum} must be above 0 and at most 1'
            )
        self.teacher = SemiSupervisedClassifier(**network, **teacher)
        self.student_rate = student_rate
        self.baseline_momentum = baseline_momentum
        self.register_buffer('baseline', torch.zeros(()))

    def loss(
        self, inputs: Tensor | Sequence[Tensor], data_samples: list[DataSample]
    ) -> dict[str, Tensor]:
        """Compute the losses of a batch and update the average of the feedback.

        Args:
            inputs: weak and strong view, or one view, each of shape (N, C, height, width).
            data_samples: N samples; those with a ``gt_label`` are the labelled images.

        Returns:
            The teacher's losses, ``loss_student``, ``loss_feedback``, and ``feedback``, h.

        Raises:
            ValueError: in float16, and as :meth:`SemiSupervisedClassifier.loss`.
        """
        _refuse_float16(self.baseline.device.type)
        batch = divide(inputs, data_samples)
        losses, logits = self.teacher.step(batch)
        drawn = logits.detach().softmax(1).multinomial(1)[:, 0]
        parts = self.backbone, self.neck, self.head
        student = nn.Sequential(*(each for each in parts if each is not None))
        parameters = {n: value for n, value in student.named_parameters() if value.requires_grad}
        predictions = student(torch.cat([batch.views[-1], batch.images]))[: len(drawn)]
        loss = cross_entropy(predictions, drawn)
        gradient = _gradient(loss, parameters.values())
        all_reduce(gradient, 'mean')
        feedback = self._feedback(batch, student, parameters, gradient)
        self.baseline.lerp_(feedback.to(self.baseline), self.baseline_momentum)
        return dict(
            losses,
            loss_student=_with_gradient(loss, parameters.values(), gradient),
            loss_feedback=(feedback - self.baseline) * cross_entropy(logits, drawn),
            feedback=feedback,
        )

    def _feedback(
        self, batch: Batch, student: nn.Module, parameters: Mapping[str, Tensor], gradient: Tensor
    ) -> Tensor:
        """Return h, the mean over all processes."""
        steps = _parts(gradient, parameters.values())
        moved = {
            name: (value.detach() - self.student_rate * step).requires_grad_()
            for (name, value), step in zip(parameters.items(), steps, strict=True)
        }
        # Copies, so that this pass leaves no trace in the statistics of batch norms.
        buffers = {name: value.clone() for name, value in student.named_buffers()}
        logits = functional_call(student, {**buffers, **moved}, (batch.images,))
        classes = torch.cat([sample.gt_label for sample in batch.samples])
        found = _gradient(cross_entropy(logits, classes), moved.values())
        # Not a matrix product, which autocast would take to half precision.
        feedback = self.student_rate * (found * gradient).sum()
        all_reduce(feedback, 'mean')
        return feedback


def _refuse_float16(device: str) -> None:
    if torch.is_autocast_enabled(device) and torch.get_autocast_dtype(device) == torch.float16:
        raise ValueError(
            'MetaPseudoLabels takes the gradient of the student before the loss is scaled, and in '
            'float16 small ones would become 0: set optim_wrapper.type="BFloat16OptimWrapper"'
        )


def _gradient(loss: Tensor, parameters: Collection[Tensor]) -> Tensor:
    """Return the gradient of a loss as one vector."""
    found = torch.autograd.grad(loss, tuple(parameters), materialize_grads=True)
    return torch.cat([each.flatten() for each in found])


def _parts(vector: Tensor, parameters: Collection[Tensor]) -> list[Tensor]:
    """Divide a vector into tensors of the shapes of parameters."""
    parts = vector.split([each.numel() for each in parameters])
    return [part.view_as(each) for part, each in zip(parts, parameters, strict=True)]


def _with_gradient(loss: Tensor, parameters: Collection[Tensor], gradient: Tensor) -> Tensor:
    """Return a loss whose gradient is known, so that no second backward pass computes it."""
    pairs = zip(parameters, _parts(gradient, parameters), strict=True)
    slope = torch.stack([(parameter * part).sum() for parameter, part in pairs]).sum()
    return loss.detach() + slope - slope.detach()
