# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Every number of navigation. Distances in m of ground; costs in metres of easy ground."""

from __future__ import annotations

from dataclasses import dataclass

from tenacious_rover.rover.config import bounded, described


@dataclass(frozen=True)
class NavigationConfig:
    """Defaults are for the reference rover; those that follow from geometry are read from it."""

    # driving
    speed_mps: float = bounded(0.08, 0.005, 1.0, "speed over ground on easy terrain")
    turn_rate_radps: float = bounded(0.3, 0.02, 2.0, "rate of a turn in place")
    position_tolerance_m: float = bounded(0.1, 0.01, 2.0, "a goal is reached this near")
    heading_tolerance_deg: float = bounded(5.0, 0.5, 90.0, "a goal's heading is reached this near")
    lookahead_m: float = bounded(0.18, 0.05, 2.0, "how far ahead on its path the rover aims")
    slow_tilt_deg: float = bounded(14.0, 1.0, 40.0, "beyond this tilt the speed is halved")
    # cost
    unknown_cost: float = bounded(1.4, 1.0, 20.0, "cost of unseen ground, of that of seen ground")
    hidden_cost: float = bounded(4.0, 1.0, 50.0, "the same, of ground in view that stays unseen")
    dark_m: float = bounded(0.6, 0.1, 5.0, "a shadow wider than this is not driven into")
    stare_m: float = bounded(4.0, 0.5, 10.0, "ground nearer than this should be seen when in view")
    slope_weight: float = bounded(0.5, 0.0, 50.0, "extra cost at the steepest slope allowed")
    roughness_weight: float = bounded(0.3, 0.0, 50.0, "extra cost at 3 cm of roughness")
    hazard_weight: float = bounded(1.0, 0.0, 50.0, "extra cost beside a hazard, at its edge")
    nearly_weight: float = bounded(0.3, 0.0, 50.0, "extra cost of ground that is nearly a hazard")
    hazard_cost: float = bounded(8.0, 2.0, 500.0, "metres of easy ground per metre of hazard")
    hazard_threshold: float = bounded(0.95, 0.05, 1.0, "hazard at or above this is one")
    climb_deg: float = bounded(18.0, 1.0, 40.0, "steeper ground is a hazard: no way back up it")
    far_belief: float = bounded(0.4, 0.0, 1.0, "share believed of a hazard only seen from afar")
    standing_m: float = bounded(2.5, 0.0, 10.0, "how far around it asks where it can stand")
    standing_cells: int = bounded(250, 0, 10_000, "cells asked for with each map")
    standing_weight: float = bounded(2.0, 0.0, 50.0, "extra cost where few headings are safe")
    blocked_cost: float = bounded(20.0, 2.0, 500.0, "cost of ground on which no heading is safe")
    zone_margin_m: float = bounded(0.4, 0.0, 2.0, "the rover's centre stays this far from zones")
    # global plan
    grid_m: float = bounded(0.1, 0.05, 1.0, "cell of the cost-to-go")
    grid_margin_m: float = bounded(5.0, 1.0, 50.0, "how far around start and goal it may go")
    # local choice
    first_arc_m: float = bounded(0.8, 0.2, 5.0, "length of the arcs of the first level")
    second_arc_m: float = bounded(1.2, 0.2, 5.0, "length of the arcs of the second level")
    pose_step_m: float = bounded(0.1, 0.02, 0.5, "poses on a path are checked this often")
    max_curvature: float = bounded(1.6, 0.1, 10.0, "sharpest arc, 1/m")
    turn_cost: float = bounded(0.35, 0.0, 10.0, "cost of a turn in place, per rad")
    turn_setup_cost: float = bounded(0.25, 0.0, 10.0, "cost of stopping to turn in place")
    turn_again_cost: float = bounded(0.8, 0.0, 10.0, "cost of a turn at the place of another turn")
    turn_soft_cost: float = bounded(4.0, 0.0, 100.0, "cost of one on ground known to be soft")
    soft_cost: float = bounded(1.0, 0.0, 50.0, "extra cost of ground known to be soft")
    change_cost: float = bounded(0.1, 0.0, 10.0, "cost of leaving the path begun, per rad")
    stay_gain: float = bounded(0.3, 0.0, 10.0, "by this another path must be better than the own")
    checks: int = bounded(250, 10, 5000, "most paths checked exactly in one cycle")
    safe_ahead_m: float = bounded(0.7, 0.2, 5.0, "a path must be safe this far to be taken")
    blind_m: float = bounded(0.55, 0.0, 3.0, "nearer than this the camera sees no ground")
    replan_s: float = bounded(2.0, 0.1, 60.0, "longest time between plans when no map comes")
    # guard
    guard_m: float = bounded(0.5, 0.1, 3.0, "the guard looks this far along the path")
    guard_arc_m: float = bounded(0.1, 0.05, 3.0, "and this far along the command as it is now")
    plan_margin_m: float = bounded(0.015, 0.0, 0.2, "clearance that a planned pose keeps")
    turn_margin_m: float = bounded(0.025, 0.0, 0.2, "and a turn in place: its wheels dig")
    plan_aside_m: float = bounded(0.025, 0.0, 0.2, "a planned pose is safe this far aside, too")
    guard_margin_m: float = bounded(0.0, -0.05, 0.2, "clearance below which the guard stops")
    guard_sigma: float = bounded(0.3, 0.0, 5.0, "deviations of the map that the guard allows for")
    stop_tilt_deg: float = bounded(25.0, 2.0, 45.0, "measured tilt that stops the wheels")
    # recovery
    stuck_window_s: float = bounded(8.0, 1.0, 120.0, "motion is compared over this time")
    stuck_share: float = bounded(0.2, 0.01, 0.9, "moving less than this share means stuck")
    immobile_s: float = bounded(1.0, 0.1, 60.0, "localization says immobile this long: stuck")
    slip_limit: float = bounded(0.75, 0.1, 1.0, "mean slip of the wheels that means stuck")
    effort_limit_share: float = bounded(0.95, 0.1, 10.0, "share of the wheels' torque limit")
    effort_window_s: float = bounded(2.0, 0.1, 60.0, "how long the torque may stay above that")
    back_out_m: float = bounded(0.6, 0.1, 5.0, "backing out goes this far along the own track")
    hold_s: float = bounded(2.0, 0.5, 60.0, "a way out that leads nowhere so long: rock the wheels")
    rock_speed_mps: float = bounded(0.06, 0.005, 0.5, "speed of the wheels when rocking")
    rock_stroke_s: float = bounded(1.5, 0.3, 20.0, "one stroke of rocking, to or fro")
    rock_strokes: int = bounded(40, 0, 1000, "strokes, then rocking has not helped")
    rock_free_m: float = bounded(0.012, 0.002, 0.5, "one stroke this long: the wheels are free")
    mark_radius_m: float = bounded(0.3, 0.05, 3.0, "a place that was bad is avoided this wide")
    mark_s: float = bounded(600.0, 10.0, 1e6, "how long a bad place is remembered")
    max_recoveries: int = bounded(8, 0, 100, "without getting nearer, then it gives up")
    max_blocked: int = bounded(10, 1, 200, "looks around without any way on, then no path")
    # time
    pose_timeout_s: float = bounded(1.0, 0.1, 60.0, "an older pose stops the wheels")
    terrain_timeout_s: float = bounded(6.0, 0.5, 600.0, "an older map stops the wheels")
    give_up_s: float = bounded(15.0, 1.0, 3600.0, "stopped that long for lack of data: give up")
    time_factor: float = bounded(4.0, 1.0, 100.0, "time limit over the time of the straight way")
    # short moves
    short_speed_mps: float = bounded(0.05, 0.005, 1.0, "speed of straight moves")
    short_tolerance_m: float = bounded(0.01, 0.002, 0.5, "a straight move ends this near")
    short_heading_deg: float = bounded(1.5, 0.2, 20.0, "a turn ends this near")
    # zones of the run
    keep_out: str = described("", "polygons in map, `x y x y x y; x y …`, never entered")
    keep_in: str = described("", "polygons in map, the rover stays inside one of them")
