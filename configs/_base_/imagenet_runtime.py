# What ImageNet runs share: default_runtime.py with settings for speed on GPUs, which are ours, and
# a checkpoint of each epoch. Images have one size, so cuDNN searches its fastest kernels once.
default_scope = 'mmrcl'

default_hooks = dict(
    timer=dict(type='IterTimerHook'),
    logger=dict(type='LoggerHook', interval=100),
    param_scheduler=dict(type='ParamSchedulerHook'),
    checkpoint=dict(type='SafeCheckpointHook', interval=1, max_keep_ckpts=3),
    visualization=dict(type='VisualizationHook', enable=False),
    non_finite_loss=dict(type='NonFiniteLossHook'),
    unreadable_images=dict(type='UnreadableImageHook', limit=100),
    preemption=dict(type='PreemptionHook'),
    channels_last=dict(type='ChannelsLastHook'),
)

env_cfg = dict(
    cudnn_benchmark=True,
    mp_cfg=dict(mp_start_method='fork', opencv_num_threads=0),
    # Seconds after which the other processes end when one has died.
    dist_cfg=dict(backend='nccl', timeout=1800),
)

vis_backends = [dict(type='LocalVisBackend')]
visualizer = dict(type='UniversalVisualizer', vis_backends=vis_backends)

log_level = 'INFO'
load_from = None
resume = False
randomness = dict(seed=0, deterministic=False)
