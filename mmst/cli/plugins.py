"""What other packages add: folders of configs, by the entry point `mmst.configs`.

[project.entry-points."mmst.configs"]
mine = "my_package.configs"        # a package with folders such as solvers/, filter/, judge/, dataset/ in it
"""

from __future__ import annotations

from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path

from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.plugins import Plugins
from hydra.plugins.search_path_plugin import SearchPathPlugin

GROUP = "mmst.configs"


class InstalledConfigs(SearchPathPlugin):
    """Adds the configs of installed packages to Hydra's search path."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        """Called by Hydra before it composes."""
        for point in entry_points(group=GROUP):
            search_path.append(provider=point.name, path=f"pkg://{point.value}")


def add_installed_configs() -> None:
    """Make Hydra look there; once per process."""
    if InstalledConfigs not in Plugins.instance().discover(SearchPathPlugin):
        Plugins.instance().register(InstalledConfigs)


def installed_folders() -> list[Path]:
    """The folders that installed packages add, for lists of what can be chosen."""
    specs = [find_spec(point.value) for point in entry_points(group=GROUP)]
    return [Path(place) for spec in specs if spec for place in spec.submodule_search_locations or ()]
