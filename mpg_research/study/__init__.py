"""One study: configuration, table schemas, loading, checking, pseudonyms and simulation.

Names are imported on first use, so that reading a configuration does not load pandas.
"""

from typing import TYPE_CHECKING

from mpg_research._lazy import public_names

if TYPE_CHECKING:
    from mpg_research.study.begin.begin import BegunStudy as BegunStudy
    from mpg_research.study.begin.begin import begin_study as begin_study
    from mpg_research.study.check import check_study as check_study
    from mpg_research.study.config.study_toml import StudyConfig as StudyConfig
    from mpg_research.study.config.study_toml import read_config as read_config
    from mpg_research.study.config.study_toml import source_paths as source_paths
    from mpg_research.study.init import init_instrument as init_instrument
    from mpg_research.study.init import init_study as init_study
    from mpg_research.study.load import load_study as load_study
    from mpg_research.study.model import CheckReport as CheckReport
    from mpg_research.study.model import CourseFrame as CourseFrame
    from mpg_research.study.model import FlowStep as FlowStep
    from mpg_research.study.model import SampleFlow as SampleFlow
    from mpg_research.study.model import SourceFile as SourceFile
    from mpg_research.study.model import Study as Study
    from mpg_research.study.names import safe_folder_name as safe_folder_name
    from mpg_research.study.pseudonymised_files import PseudonymisedFile as PseudonymisedFile
    from mpg_research.study.pseudonymised_files import pseudonymise_files as pseudonymise_files
    from mpg_research.study.pseudonyms import make_key as make_key
    from mpg_research.study.pseudonyms import pseudonymise as pseudonymise
    from mpg_research.study.scoring.course_frame import course_frame as course_frame
    from mpg_research.study.scoring.course_frame import course_frames as course_frames
    from mpg_research.study.shipped import shipped_example as shipped_example
    from mpg_research.study.shipped import shipped_notebooks as shipped_notebooks
    from mpg_research.study.which_scores import Scores as Scores

__getattr__, __dir__, __all__ = public_names(__name__)
