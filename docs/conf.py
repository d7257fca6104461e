"""Settings of Sphinx, which `make docs` runs.

The source folder is the repository's root, so that a relative link works as it does on a Git host:
to a page, to CONTRIBUTING.md or a folder's README, which are pages too, and to any other file,
which Sphinx then offers as a download.
"""

import os
from pathlib import Path

from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform

from mmrcl import __version__

project = 'mmrcl'
author = 'mmrcl contributors'
version = release = __version__

extensions = [
    'myst_nb',
    'sphinx.ext.autodoc',
    'sphinx.ext.napoleon',
    'sphinx.ext.viewcode',
    'sphinx_copybutton',
]
root_doc = 'docs/index'
include_patterns = ['*.md', 'configs/**/README.md', 'docs/**']
# Folders too large or too foreign to be searched for pages.
exclude_patterns = ['.*', '**/.*', 'data', 'docs/_*', 'mmrcl', 'tests', 'tools', 'work_dirs']

html_theme = 'furo'
html_title = f'mmrcl {release}'
html_extra_path = ['_root']
html_copy_source = False
html_show_copyright = False

myst_enable_extensions = ['dollarmath']
myst_heading_anchors = 4

# Notebooks are stored without outputs. One that fails warns, and so fails the build. Outputs of
# the last run are taken while a notebook's cells are the same; `make clean` forgets them.
nb_execution_mode = 'cache'
nb_execution_cache_path = str(Path(__file__).parent / '_build' / '.jupyter_cache')
nb_execution_show_tb = True
nb_merge_streams = True
nb_execution_timeout = 1800  # seconds a cell; none takes two minutes on one core
# On a busy machine the threads of a small network wait long for each other.
os.environ.setdefault('OMP_NUM_THREADS', '1')

add_module_names = False
autodoc_default_options = {'members': True, 'special-members': '__call__'}
autodoc_inherit_docstrings = False
autodoc_preserve_defaults = True
autodoc_typehints_format = 'short'
maximum_signature_line_length = 80
napoleon_use_ivar = True
python_use_unqualified_type_names = True
toc_object_entries_show_parents = 'hide'


class FolderLinks(SphinxPostTransform):
    """A link to a folder leads to its README, as on a Git host, and is text where it has none."""

    default_priority = 8  # before MyST, which knows files alone

    def run(self, **kwargs) -> None:
        for link in list(self.document.findall(pending_xref)):
            if link['reftype'] == 'myst' and link['refdomain'] is None:
                self.resolve(link)

    def resolve(self, link: pending_xref) -> None:
        relative, absolute = self.env.relfn2path(link['reftarget'], link['refdoc'])
        if not Path(absolute).is_dir():
            return
        readme = f'{relative}/README'
        if readme in self.env.all_docs:
            link.attributes.update({'refdomain': 'doc', 'reftarget': readme, 'reftargetid': None})
        else:
            link.replace_self(link.children)


def skip_alias(app: Sphinx, what: str, name: str, member: object, *unused: object) -> bool | None:
    # "Alias for field number 0": the class says what its fields are.
    return True if str(member.__doc__).startswith('Alias for field number') else None


def setup(app: Sphinx) -> None:
    app.connect('autodoc-skip-member', skip_alias)
    app.add_post_transform(FolderLinks)
